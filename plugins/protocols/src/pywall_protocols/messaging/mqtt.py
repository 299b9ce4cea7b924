"""MQTT 3.1, 3.1.1 and 5, by CONNECT and CONNACK.

:checked: packet type, remaining length, protocol name and level, reserved flag; the server's acknowledgement; or a ping
    and its answer, and another packet behind each. Mid-stream: packets of both sides, one with a topic, confirmed by
    an acknowledgement with its number
:source: MQTT 3.1.1 and 5.0 (OASIS) sections 2.1, 3.1 and 3.2
:minimum: 10 bytes of the client
:facts: type, connect.protocol_version, connect.client_id, connect.username, connect.will_topic, publish.topic,
    subscribe.topics, unsubscribe.topics
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.evidence import HINT, WEAK, Description, Evidence, client_first
from ..parsing.wire import cut, text, u16
from ..transactions.mqtt import MqttTransactions

api_version = 1
protocols = ("mqtt",)
transport = "tcp"
tier = "exact"
#: first bytes of the packets of an open connection, of either side, with the flags that they have
_TYPES: Final = bytes(range(0x30, 0x40)) + b"\x40\x50\x62\x70\x82\x90\xa2\xb0\xc0\xd0\xe0"
first_client = b"\x10\xc0" + _TYPES
first_server = b"\x20\xd0\xf0" + _TYPES

#: reason codes of a CONNACK (MQTT 5.0 section 3.2.2.2)
_REASONS: Final = bytes((0, *range(0x80, 0x8B), 0x8C, 0x90, 0x95, 0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F))
#: most bytes of a CONNACK or AUTH with its properties
_LONGEST_ANSWER: Final = 16384
#: what is said while there is nothing to say, in a capture that begins late
_PING: Final = b"\xc0\0"
_PONG: Final = b"\xd0\0"
_ACKNOWLEDGEMENTS: Final = b"\x40\x50\x62\x70\x90\xb0"
_SUBSCRIBES: Final = b"\x82\xa2"
_CONNACK: Final = 0x20
_MOST_CHAINED: Final = 4
_CONNECT: Final = re.compile(
    rb"\x10[\x80-\xff]{0,3}[\0-\x7f](?:\0\x04MQTT([\x03-\x05\x84])|\0\x06MQIsdp([\x03\x83]))", re.S
)
#: wildcards, which are for subscriptions, and control characters (section 4.7)
_NO_TOPIC: Final = re.compile(rb"[\0-\x1f+#\x7f]")
_BEGINNING: Final = re.compile(
    rb"\x10(?:[\x80-\xff]{0,3}[\0-\x7f]?(?:\0(?:\x04(?:M(?:Q(?:TT?)?)?)?|\x06(?:M(?:Q(?:I(?:s(?:dp?)?)?)?)?)?)?)?)?\Z",
    re.S,
)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect MQTT."""
    proved = client[:1] != _PING[:1] or (_goes_on(client) and _goes_on(server))
    answer = client_first("mqtt", _client(client), _server(server), _describe, client, server, proved=proved)
    return _from_the_middle(client, server) if answer is NO and flow.midstream else answer


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser:
    """Follow what is published and subscribed."""
    return MqttTransactions()


def _describe(client: bytes, server: bytes) -> Description:
    facts = _facts(client)
    return Description(facts, done=bool(facts) or client.startswith(_PING))


def _client(data: bytes) -> Evidence:
    if data[:1] == _PING[:1]:
        return HINT if data.startswith(_PING) else WEAK if data == _PING[:1] else NO
    connect = _CONNECT.match(data)
    if connect is None:
        return MORE if not data or (len(data) < 16 and _BEGINNING.match(data)) else NO
    if len(data) <= connect.end():
        return MORE
    return YES if data[connect.end()] & 1 == 0 else NO


def _server(data: bytes) -> Evidence:
    if data[:1] == _PONG[:1]:
        return HINT if data.startswith(_PONG) else WEAK if data == _PONG[:1] else NO
    if not data:
        return WEAK
    if data[0] not in (0x20, 0xF0):
        return NO
    at, size = _length(data)
    if not at:
        return WEAK if len(data) < 5 else NO
    body = data[at : at + 2]
    if data[0] == 0xF0:  # AUTH: a reason code alone, or with properties
        return _as_far(body, size, b"\0\x18\x19", b"")
    if size == 2:
        return _as_far(body, size, b"\0\1", bytes(range(6)))
    # behind the reason the length of the properties (version 5, section 3.2.2.3), which fill the packet
    properties = size - 3 if size < 131 else 0x80 | (size - 4) & 0x7F
    fits = size > 2 and (len(data) <= at + 2 or data[at + 2] == properties)
    return _as_far(body, size, b"\0\1", _REASONS) if fits else NO


def _goes_on(data: bytes) -> bool:
    """Return True if another packet comes behind the first one, and nothing that is none: two bytes prove nothing."""
    at = 2
    for number in range(_MOST_CHAINED):
        if at >= len(data):
            return number > 0
        if data[at] not in _TYPES:
            return False
        behind, size = _length(data[at : at + 5])
        if not behind:
            return number > 0
        at += behind + size
    return True


class _Chain:
    """Packets of one side of an open connection: whether all are some, and the numbers that they ask and acknowledge
    with.
    """

    def __init__(self, data: bytes) -> None:
        self.fits = True
        self.has_topic = False
        self.asked: set[int] = set()
        self.acknowledged: set[int] = set()
        at = 0
        for _ in range(_MOST_CHAINED):
            if not self.fits or at >= len(data):
                break
            kind = data[at]
            behind, size = _length(data[at : at + 5])
            if behind:
                self._take(kind, data[at + behind : at + behind + size], size)
            self.fits = (
                self.fits and (behind > 0 or len(data) - at < 5) and (kind in _TYPES or (kind, at) == (_CONNACK, 0))
            )
            at += behind + size if behind else 5

    def _take(self, kind: int, body: bytes, size: int) -> None:
        if len(body) < min(size, 2) or len(body) < 2:
            self.fits = size < 2 if kind >= 0xC0 else size >= 2
            return
        number = u16(body, 0)
        if kind >> 4 == 3:
            topic, behind = body[2 : 2 + number], cut(body, 2 + number, 4 + number)
            sure = kind & 6
            self.fits = 0 < number <= size - (4 if sure else 2) and kind & 6 != 6 and not _NO_TOPIC.search(topic)
            self.has_topic |= len(topic) == number
            if sure and len(behind) == 2:
                self.asked.add(u16(behind, 0))
        elif kind in _SUBSCRIBES:
            self.asked.add(number)
        elif kind in _ACKNOWLEDGEMENTS:
            self.fits = number > 0
            self.acknowledged.add(number)


def _from_the_middle(client: bytes, server: bytes) -> Match | Answer:
    """Grade both sides of a connection whose CONNECT was not seen."""
    one, other = _Chain(client), _Chain(server)
    if not one.fits or not other.fits:
        return NO
    if not one.has_topic and not other.has_topic:
        return MORE
    return Match("mqtt", {}, bool(one.asked & other.acknowledged or other.asked & one.acknowledged), done=False)


def _as_far(body: bytes, size: int, first: bytes, second: bytes) -> Evidence:
    """HINT when the first two bytes of a packet's body are among those named, as many as there must be."""
    if (
        size > _LONGEST_ANSWER
        or (body and body[0] not in first)
        or (second and len(body) > 1 and body[1] not in second)
    ):
        return NO
    return HINT if len(body) >= min(size, 2) else WEAK


def _length(data: bytes) -> tuple[int, int]:
    """Return where the body begins behind the remaining length (section 2.1.4), and the length; 0 while it is cut."""
    size = 0
    for at in range(1, min(len(data), 5)):
        size |= (data[at] & 0x7F) << 7 * (at - 1)
        if data[at] < 0x80:
            return at + 1, size
    return 0, 0


def _facts(data: bytes) -> dict[str, Any]:
    """Version, client id and user name of a CONNECT that is all there; nothing before."""
    connect = _CONNECT.match(data)
    if connect is None:
        return {}
    at = 1
    size = shift = 0
    while True:
        size |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            break
    end = at + size
    end = min(end, 4096)
    if len(data) < end:
        return {}
    data = data[:end]
    if len(data) < connect.end() + 3:
        return {"connect.protocol_version": (connect[1] or connect[2])[0] & 0x7F}
    flags = data[connect.end()]
    at = connect.end() + 3
    level = (connect[1] or connect[2])[0] & 0x7F
    if level == 5:
        at = _behind_properties(data, at)
    facts: dict[str, Any] = {"connect.protocol_version": level}
    skip = (2 if flags & 4 else 0, level == 5)
    fields: list[bytes] = []
    for place in range(4):
        if place == 1 and skip[0] and skip[1]:
            at = _behind_properties(data, at)
        if (place in (1, 2) and not skip[0]) or (place == 3 and not flags & 0x80):
            fields.append(b"")
            continue
        if at + 2 > len(data):
            break
        fields.append(data[at + 2 : at + 2 + u16(data, at)])
        at += 2 + u16(data, at)
    if fields and fields[0]:
        facts["connect.client_id"] = text(fields[0])
    if len(fields) > 3 and fields[3]:
        facts["connect.username"] = text(fields[3])
    return facts


def _behind_properties(data: bytes, at: int) -> int:
    """Return the offset behind the properties at ``at``; only lengths below 128 are followed, larger ones end the
    facts.
    """
    return at + 1 + data[at] if at < len(data) and data[at] < 0x80 else len(data)
