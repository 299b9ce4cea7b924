"""EtherNet/IP: encapsulation over TCP and UDP, and the cyclic data of its connections over UDP.

:checked: a known command, a status, options of zero and a length that fits the command, over UDP the datagram's; the
    command and context of a request in the answer; cyclic data by its two items, the second of which ends where the
    datagram does
:source: ODVA, The CIP Networks Library volume 2, sections 2-3 (encapsulation), 2-6 (common packet format)
:minimum: 24 bytes; of cyclic data 18
:facts: command
"""

from __future__ import annotations

from struct import Struct
from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, belonging, by_datagram, by_stream

api_version = 1
protocols = ("enip", "cipio")
transport = ("tcp", "udp")
tier = "structural"
first_client = b"\0\2\4\x63\x64\x65\x66\x6f\x70\x72\x73"
first_server = first_client

_HEADER: Final = 24
_header = Struct("<HHII8sI").unpack_from
_items = Struct("<HHHIIHH").unpack_from
_NOP: Final = 0
_MAX_NOPS: Final = 4
#: asked before there is a session: with one it is BMP of version 4, whose length is where the session stands
_LIST_SERVICES: Final = 4
_REGISTER: Final = 0x65
_UNIT_DATA: Final = 0x70
_COMMANDS: Final = {
    _NOP: "nop",
    _LIST_SERVICES: "list_services",
    0x63: "list_identity",
    0x64: "list_interfaces",
    _REGISTER: "register_session",
    0x66: "unregister_session",
    0x6F: "send_rr_data",
    _UNIT_DATA: "send_unit_data",
    0x72: "indicate_status",
    0x73: "cancel",
}
_STATUS: Final = frozenset({0, 1, 2, 3, 0x64, 0x65, 0x69})
_WITH_ITEMS: Final = (0x6F, _UNIT_DATA)
#: sequenced address item of 8 bytes, and connected data
_SEQUENCED: Final = 0x8002
_CONNECTED: Final = 0x00B1
_UNCONNECTED: Final = 0x00B2
_RESPONSE: Final = 0x80
#: sends another service on to where its path says (CIP volume 1, 3-5.5.4)
_UNCONNECTED_SEND: Final = b"\x52"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect EtherNet/IP."""
    if flow.proto == UDP:
        if client[:1] == b"\2":
            return by_datagram("cipio", _cyclic, flow, client, server)
        return by_datagram("enip", _datagram, flow, client, server, _belong)
    proved = belonging(client, server, _HEADER, _size, _belong)
    return by_stream("enip", _message, client, server, proved=proved)


def _size(data: bytes) -> int:
    return _HEADER + int.from_bytes(data[2:4], "little")


def _belong(one: bytes, other: bytes) -> bool:
    """A message and what its receiver returns: the command, the context of the sender, and what only an answer has."""
    if one[:1] != other[:1] or one[:2] == bytes(2):
        return False
    if one[0] == _UNIT_DATA:  # of a connection: no context
        return one[4:8] == other[4:8] and _answers_service(one, other)
    if one[12:20] != other[12:20]:
        return False
    if one[0] == _REGISTER:  # a number, which whoever sends the request back may put in
        return False
    if one[0] in _WITH_ITEMS:
        return one[4:8] == other[4:8] and _answers_service(one, other)
    return one[2:4] == bytes(2) != other[2:4]


def _answers_service(one: bytes, other: bytes) -> bool:
    """Return True if the second answers the service that the first asks: its code with the highest bit."""
    asked, answered = _services(one), _services(other)
    return answered[:1] in [bytes([code | _RESPONSE]) for code in asked if not code & _RESPONSE]


def _services(message: bytes) -> bytes:
    """Return the code of the service in the last item, and of the one that it has sent on, which answers in its place;
    nothing where the items do not fill the message.
    """
    at, size = _HEADER + 8, len(message)
    codes = b""
    if at > size:
        return codes
    for _ in range(int.from_bytes(message[at - 2 : at], "little")):
        if at + 4 > size:
            return b""
        kind, length = (int.from_bytes(message[begin : begin + 2], "little") for begin in (at, at + 2))
        start = at + 4 + (2 if kind == _CONNECTED else 0)
        at += 4 + length
        if kind in (_CONNECTED, _UNCONNECTED) and start + 2 < min(at, size):
            codes = message[start : start + 1]
            inner = start + 6 + 2 * message[start + 1]
            if codes == _UNCONNECTED_SEND and inner < at:
                codes += message[inner : inner + 1]
    return codes if at == size else b""


def _cyclic(data: bytes) -> Evidence:
    if len(data) < 18:
        return NO
    count, address, size, _, _, kind, rest = _items(data)
    holds = count == 2 and address == _SEQUENCED and size == 8 and kind == _CONNECTED and rest == len(data) - 18
    return {} if holds else NO


def _datagram(data: bytes) -> Evidence:
    if len(data) < _HEADER or int.from_bytes(data[2:4], "little") != len(data) - _HEADER:
        return NO
    return _message(data)


def _message(data: bytes) -> Evidence:
    """Return the first message that does more than nothing."""
    at = 0
    for _ in range(_MAX_NOPS):
        if data[at + 1 : at + 2].strip(b"\0") or (len(data) > at and data[at] not in _COMMANDS):
            return NO
        if len(data) < at + _HEADER:
            return MORE
        command, length, session, status, _context, options = _header(data, at)
        if status not in _STATUS or options or (command == _REGISTER and length != 4):
            return NO
        if command != _NOP:
            if (command in _WITH_ITEMS and length < 8) or (command == _LIST_SERVICES and session and not length):
                return NO
            return {"command": _COMMANDS[command]}
        at += _HEADER + length
    return NO
