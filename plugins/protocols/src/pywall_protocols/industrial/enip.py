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

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_datagram, by_stream

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
#: messages of the client among which the one is looked for that the server answers
_MOST_COMPARED: Final = 8
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
_RESPONSE: Final = 0x80
#: sequenced address item of 8 bytes, and connected data
_SEQUENCED: Final = 0x8002
_CONNECTED: Final = 0x00B1


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect EtherNet/IP."""
    if flow.proto == UDP:
        if client[:1] == b"\2":
            return by_datagram("cipio", _cyclic, flow, client, server, _has_other_connection)
        return by_datagram("enip", _datagram, flow, client, server, _belong)
    proved = belonging(client, server, _HEADER, _size, _message, _belong)
    answer = by_stream("enip", _message, client, server, proved=proved)
    if isinstance(answer, Match) and answer.confirmed and not _is_answer(client, server):
        return Match("enip", answer.facts, confirmed=False)
    return answer


def _size(data: bytes) -> int:
    return _HEADER + int.from_bytes(data[2:4], "little")


def _belong(one: bytes, other: bytes) -> bool:
    """A session that is registered gets a number; lists are not empty; a service's code has the highest bit in the
    answer (CIP volume 2, 2-4; volume 1, 2-4.2)."""
    if one[:1] != other[:1]:
        return False
    if one[0] == _REGISTER:
        return not any(one[4:8]) and any(other[4:8])
    if one[0] not in _WITH_ITEMS:
        return one[2:4] != other[2:4]
    return (_service(one) ^ _service(other)) & _RESPONSE != 0


def _service(message: bytes) -> int:
    """Return the code of the service behind an address and its data's head, 0 where there is none."""
    at = _HEADER + 10
    if at + 6 > len(message):
        return 0
    at += 2 + int.from_bytes(message[at : at + 2], "little")
    connected = int.from_bytes(message[at : at + 2], "little") == _CONNECTED
    at += 6 if connected else 4
    return message[at] if at < len(message) else 0


def _is_answer(client: bytes, server: bytes) -> bool:
    """Return True if the server's first message has command and context of a message of the client, as a receiver
    returns them; data of a connection has no such context.
    """
    if not any(server[2:_HEADER]):
        return False
    at = 0
    for _ in range(_MOST_COMPARED):
        same = client[at : at + 2] == server[:2] and client[at + 12 : at + 20] == server[12:20]
        if same or _UNIT_DATA in (server[0], client[0]):
            return True
        at += _HEADER + int.from_bytes(client[at + 2 : at + 4], "little")
    return False


def _cyclic(data: bytes) -> Evidence:
    if len(data) < 18:
        return NO
    count, address, size, _, _, kind, rest = _items(data)
    holds = count == 2 and address == _SEQUENCED and size == 8 and kind == _CONNECTED and rest == len(data) - 18
    return {} if holds else NO


def _has_other_connection(one: bytes, other: bytes) -> bool:
    """Each direction of a connection has an identifier of its own (CIP volume 1, 3-3.2)."""
    return one[6:10] != other[6:10]


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
