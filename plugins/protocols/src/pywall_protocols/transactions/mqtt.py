"""MQTT packets: what a client asks for, each a transaction.

:source: MQTT 3.1.1 and 5.0 (OASIS) sections 2 and 3
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final, final

from pywall_core.api import Ambiguous, HandOver, Transaction

from ..parsing.wire import cut, text, u16
from .frames import READ, FrameReader
from .pairs import Found, Step
from .saving import Saved

#: Bytes of SUBSCRIBE, UNSUBSCRIBE and CONNECT that are read; of others, less.
_LONGEST_MQTT: Final = 65536
_PUBLISH: Final = 3
_PACKETS: Final = ("", "connect", "connack", "publish", "puback", "pubrec", "pubrel", "pubcomp", "subscribe", "suback",
                   "unsubscribe", "unsuback", "pingreq", "pingresp", "disconnect", "auth")  # fmt: skip


#: a subscription that several clients share, to the topics that follow its name (MQTT 5 section 4.8.2)
_shared = re.compile(rb"\$share/[^/]*/(.+)", re.DOTALL).match


def _mqtt_size(data: bytes) -> int:
    """Section 2.2.3: a type, and up to four bytes of length."""
    length = shift = 0
    for at, byte in enumerate(data[1:5], 1):
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return 1 + at + length if data[0] >> 4 else -1
    return -1 if len(data) >= 5 else 0


def _mqtt_limit(first: int) -> int:
    return READ if first >> 4 == _PUBLISH else _LONGEST_MQTT  # of PUBLISH the topic alone


def _is_open(packet: bytes) -> bool:
    """Whether what is asked for is partly behind what was read of a packet."""
    return packet[0] >> 4 != _PUBLISH or u16(packet, _varint(packet, 1)[1]) > READ - 8


@final
class MqttTransactions(Saved):
    """Each CONNECT, PUBLISH, SUBSCRIBE and UNSUBSCRIBE of the client; the others change no facts."""

    def __init__(self) -> None:
        self.confirmed = self.over = False
        self.has_transactions = True
        self._sides = (FrameReader(_mqtt_size), FrameReader(_mqtt_size, _mqtt_limit))
        self._number = 0
        self._version = 4

    def state_names(self) -> tuple[str, ...]:
        return (
            "_sides",
            "_number",
            "_version",
        )

    def copy(self) -> MqttTransactions:
        """Return a parser in the same state."""
        other = MqttTransactions()
        other._sides = (self._sides[0].copy(), self._sides[1].copy())
        other._number, other._version = self._number, self._version
        return other

    def feed(self, to_server: bool, data: bytes) -> Sequence[Step]:
        """Read the next bytes of a direction."""
        found: Found = []
        reader = self._sides[to_server]
        at = 0
        while at < len(data):
            packet, at = reader.read(data, at)
            if packet is None:
                if reader.broken:
                    rest = reader.rest
                    found.append(HandOver(rest if to_server else b"", b"" if to_server else rest, False))
                return found
            facts = self._facts(packet)
            if (
                to_server
                and reader.is_cut
                and (facts.get("type") != "publish" or u16(packet, _varint(packet, 1)[1]) > READ)
            ):
                found.append(Ambiguous("long_packet"))
            if facts and to_server:
                found.append(Transaction(self._number, facts, True))
                self._number += 1
        return found

    def gap(self, to_server: bool, size: int) -> bool:
        """Missing bytes are harmless where they would have been passed over."""
        return self._sides[to_server].skip(size)

    def finish(self) -> Sequence[Transaction]:
        """Return nothing: a packet is complete when it is found."""
        return ()

    def _facts(self, packet: bytes) -> dict[str, Any]:
        kind = _PACKETS[packet[0] >> 4]
        at = _varint(packet, 1)[1]
        if kind == "connect":
            return self._connect(packet, at)
        if kind == "publish":
            return {"type": kind, "publish.topic": text(_string(packet, at)[0])}
        if kind not in ("subscribe", "unsubscribe"):
            return {}
        at += 2
        if self._version == 5 and at < len(packet):
            at = _behind_properties(packet, at)
        topics: dict[str, None] = {}
        while at + 2 <= len(packet):
            topic, at = _string(packet, at)
            topics[text(topic)] = None
            if shared := _shared(topic):
                topics[text(shared[1])] = None
            at += kind == "subscribe"
        return {"type": kind, f"{kind}.topics": list(topics)}

    def _connect(self, packet: bytes, at: int) -> dict[str, Any]:
        _, at = _string(packet, at)
        if at + 4 > len(packet):
            return {}
        self._version, flags = packet[at] & 0x7F, packet[at + 1]
        at += 4
        if self._version == 5:
            at = _behind_properties(packet, at)
        facts: dict[str, Any] = {"type": "connect", "connect.protocol_version": self._version}
        client_id, at = _string(packet, at)
        facts["connect.client_id"] = text(client_id)
        if flags & 4:
            if self._version == 5:
                at = _behind_properties(packet, at)
            will_topic, at = _string(packet, at)
            facts["connect.will_topic"] = text(will_topic)
            _, at = _string(packet, at)
        if flags & 0x80:
            facts["connect.username"] = text(_string(packet, at)[0])
        return facts


def _varint(packet: bytes, at: int) -> tuple[int, int]:
    """Return the number of up to four bytes at ``at``, and the offset behind it (section 1.5.5)."""
    value = 0
    for shift in (0, 7, 14, 21):
        if at >= len(packet):
            break
        byte = packet[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            break
    return value, at


def _behind_properties(packet: bytes, at: int) -> int:
    size, at = _varint(packet, at)
    return at + size


def _string(packet: bytes, at: int) -> tuple[bytes, int]:
    """Return the string at ``at`` (two bytes of length before it), and the offset behind it."""
    if at + 2 > len(packet):
        return b"", len(packet)
    end = at + 2 + u16(packet, at)
    return cut(packet, at + 2, end), end
