"""memcached, text and binary protocol, over TCP and UDP.

:checked: text: a storage command with its numbers, or a weaker command and a reply of the protocol; binary: the
    header whose key and extras fit its body; UDP: the frame header before either
:source: memcached protocol.txt (storage, retrieval, meta commands, UDP protocol), BinaryProtocolRevamped
:minimum: 24 bytes of a binary header, else one line
:facts: command
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.dialogue import lines, verb_of
from ..parsing.evidence import HINT, WEAK, Description, Evidence, client_first
from ..parsing.wire import first_datagram, text, u16, u32

api_version = 1
protocols = ("memcached",)
transport = ("tcp", "udp")
tier = "structural"
speaks_first = "client"
first_client = None
first_server = None

_STORE: Final = re.compile(
    rb"(?:set|add|replace|append|prepend) [!-~]{1,250} \d{1,10} -?\d{1,10} \d{1,10}(?: noreply)?\Z"
    rb"|cas [!-~]{1,250} \d+ -?\d+ \d+ \d+(?: noreply)?\Z"
)
_OTHER: Final = re.compile(
    rb"(?:gets?(?: [!-~]{1,250})+|(?:incr|decr|touch) [!-~]{1,250} \d+(?: noreply)?"
    rb"|delete [!-~]{1,250}(?: \d+)?(?: noreply)?"
    rb"|stats(?: [a-z]+){0,2}|version|flush_all(?: \d+)?(?: noreply)?|verbosity \d+|m[gsdan] [!-~]{1,250}.*|mn)\Z"
)
_REPLY: Final = re.compile(
    rb"(VALUE [!-~]{1,250} \d+ \d+|STAT [!-~]+ .*|VERSION \d[!-~]*)|(?:STORED|NOT_STORED|EXISTS|NOT_FOUND|END"
    rb"|DELETED|TOUCHED|OK|ERROR|RESET|(?:CLIENT|SERVER)_ERROR .*|HD.*|EN|VA \d+.*|\d{1,20})"
)
#: bytes of extras that a request has, by its operation; of others they are not known
_EXTRAS: Final = {
    **dict.fromkeys((0x00, 0x04, 0x07, 0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x14, 0x17, 0x19, 0x1A), (0,)),
    **dict.fromkeys((0x01, 0x02, 0x03, 0x11, 0x12, 0x13), (8,)),
    **dict.fromkeys((0x05, 0x06, 0x15, 0x16), (20,)),
    **dict.fromkeys((0x08, 0x18), (0, 4)),
    **dict.fromkeys((0x1B, 0x1C, 0x1D, 0x1E, 0x23, 0x24), (4,)),
    **dict.fromkeys((0x20, 0x21, 0x22), (0,)),
}
_ANY: Final = tuple(range(33))
_CLIENT_BYTES: Final = b"\x80acdfgimprstv"
_SERVER_BYTES: Final = b"\x81VSNEDTOCRHM0123456789"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect memcached."""
    if flow.proto == UDP:
        asked, reply = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
        if not (_framed(asked) and _framed(reply)):
            return NO
        client, server = asked[8:], reply[8:]
    said = _side(client, _CLIENT_BYTES, _text_client)
    if not server and said is HINT and not all(_is_command(line) for line, _ in lines(client, 2)):
        return NO  # what follows a command without data is another one: Redis has some of these as well
    return client_first(
        "memcached",
        said,
        _side(server, _SERVER_BYTES, _text_server),
        _describe,
        client,
        server,
    )


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    first = lines(client, 1)
    if first and client[0] != 0x80:
        facts["command"] = text(verb_of(first[0][0]).lower())
    return Description(facts)


def _framed(datagram: bytes) -> bool:
    """Nothing there, or a UDP frame header of sequence number 0 and at least one datagram."""
    return not datagram or (len(datagram) > 8 and u16(datagram, 2) == 0 < u16(datagram, 4) and u16(datagram, 6) == 0)


def _side(data: bytes, first_bytes: bytes, grade_text: Any) -> Evidence:
    if not data:
        return MORE
    if data[0] not in first_bytes:
        return NO
    if data[0] < 0x80:
        grade: Evidence = grade_text(data)
        return grade
    if len(data) < 24:
        return MORE if data[5:6] in (b"", b"\0") else NO
    key, extras, body = u16(data, 2), data[4], u32(data, 8)
    known = data[1] <= 0x4F and (data[0] == 0x81 or extras in _EXTRAS.get(data[1], _ANY))
    fits = known and key <= 250 and extras <= 32 and key + extras <= body <= 1 << 20 and data[5] == 0
    return (YES if any(data[1:4]) or data[0] == 0x80 else HINT) if fits else NO


def _is_command(line: bytes) -> bool:
    return line[:1] == b"\x80" or bool(_OTHER.match(line) or _STORE.match(line))


def _text_client(data: bytes) -> Evidence:
    first = lines(data, 1)
    if not first:
        return MORE if len(data) <= 512 and data.isascii() else NO
    if _STORE.match(first[0][0]):
        return YES
    return HINT if _OTHER.match(first[0][0]) else NO


def _text_server(data: bytes) -> Evidence:
    first = lines(data, 1)
    if not first:
        return WEAK if len(data) <= 512 and data.isascii() else NO
    return HINT if _REPLY.fullmatch(first[0][0]) else NO
