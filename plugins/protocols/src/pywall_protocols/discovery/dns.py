"""DNS over UDP and TCP, multicast DNS and LLMNR: one message format.

Which of the three it is is told by the group address that the flow is sent to (RFC 6762, RFC 4795), else by what only
mDNS has: id 0 and a name under ``.local``. A unicast LLMNR message looks like one of DNS.

:checked: header (operation, counts against size), every question's name, type and class, and every record of the first
    message as far as it goes; of a damaged one a recursive query's header, a question of host name labels, the end of a
    plain query's or a record that points back to it, or any header where it is sent to the group of mDNS or LLMNR, else
    the next datagram, up to the third; over TCP the length before it. A NetBIOS name (32 letters A to P) is none
:source: RFC 1035 section 4; RFC 2136; RFC 6762 section 18; RFC 4795 section 2.1; RFC 7766 section 8
:minimum: one datagram of 17 octets; over TCP 19 octets
:facts: rrname, rrtype, rcode, answers
"""

from __future__ import annotations

from itertools import islice
from struct import Struct
from typing import Any, Final

from pywall_core.api import MORE, NO, TCP, YES, Answer, Flow, Match, hookimpl

from ..parsing.dns_damage import CLASSES, OPERATIONS, TYPES, evident, worth_waiting
from ..parsing.netbios_name import encoded_name
from ..parsing.wire import cut, datagrams, text, two_sided, u16

api_version = 1
protocols = ("dns", "mdns", "llmnr")
transport = ("tcp", "udp")
tier = "structural"
first_client = first_server = None

MDNS_GROUPS: Final = (bytes([224, 0, 0, 251]), bytes.fromhex("ff02" + "00" * 13 + "fb"))
LLMNR_GROUPS: Final = (bytes([224, 0, 0, 252]), bytes.fromhex("ff02" + "00" * 11 + "010003"))
_TYPE_NAMES: Final = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 11: "WKS", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 17: "RP",
    24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 33: "SRV", 35: "NAPTR", 37: "CERT", 38: "A6", 39: "DNAME", 41: "OPT",
    43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 64: "SVCB",
    65: "HTTPS", 99: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 255: "ANY", 256: "URI",
    257: "CAA",
}  # fmt: skip
RCODES: Final = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
                 "NOTAUTH", "NOTZONE")  # fmt: skip
_RESPONSE: Final = 0x8000  # of the flags
_UPDATE: Final = 5
_OPT: Final = 41
_MOST_QUESTIONS: Final = 32
_MOST_RECORDS: Final = 16  # that are looked at
_MOST_DAMAGED: Final = 3  # datagrams of a side before it is given up
_MOST_COMPARED: Final = 8  # messages of a side that are looked through for a question or its answer
_PATIENCE: Final = 4096  # octets of a message over TCP that are waited for
_header = Struct("!HHHHHH").unpack_from


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Recognise DNS, mDNS and LLMNR."""
    if flow.proto == TCP:
        client_says, asked = _over_tcp(client)
        server_says, answered = _over_tcp(server)
    else:
        to_group = flow.dst in MDNS_GROUPS or flow.dst in LLMNR_GROUPS
        client_says, asked = _over_udp(client, flow.client_sizes, to_group=to_group)
        server_says, answered = _over_udp(server, flow.server_sizes, asked)
    answer = two_sided("dns", client_says, server_says)
    if not isinstance(answer, Match):
        return answer
    facts: dict[str, Any] = {}
    for message, says in ((asked, client_says), (answered, server_says)):
        if says is YES:
            _facts(facts, message)
    protocol = "dns" if flow.proto == TCP else _which(flow, asked or answered)
    if protocol == "dns":
        confirmed = answer.confirmed and _answers(flow, client, server)
        return Match(protocol, facts, confirmed, done=answer.done and (confirmed or not answer.confirmed))
    return Match(protocol, facts, answer.confirmed)  # nobody need answer a multicast


def _answers(flow: Flow, client: bytes, server: bytes) -> bool:
    """One of the server's first messages answers a question of the client's first ones, or the other way round."""
    asked, told = _messages(flow, client, flow.client_sizes), _messages(flow, server, flow.server_sizes)
    return any(_is_answer(one, other) or _is_answer(other, one) for one in asked for other in told)


def _messages(flow: Flow, data: bytes, sizes: tuple[int, ...]) -> list[bytes]:
    """The first messages of a direction that have a header, at most 8; the last one over TCP may be cut."""
    if flow.proto != TCP:
        return [message for message in islice(datagrams(data, sizes), _MOST_COMPARED) if len(message) >= 12]
    found: list[bytes] = []
    at = 0
    while at + 14 <= len(data) and len(found) < _MOST_COMPARED:
        length = u16(data, at)
        found.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def _is_answer(question: bytes, answer: bytes) -> bool:
    """Same id, the bit of a response, and the question repeated (RFC 5452 section 9.1) or left out (RFC 2308)."""
    if question[:2] != answer[:2] or question[2] & 0x80 or not answer[2] & 0x80:
        return False
    if answer[4:6] == b"\0\0":
        return answer[3] & 15 != 0 or question[2] >> 3 & 15 == _UPDATE
    end = _skip_name(question, 12)
    return bool(end) and answer[12:].lower().startswith(cut(question, 12, end + 4).lower())


def _over_udp(data: bytes, sizes: tuple[int, ...], asked: bytes = b"", to_group: bool = False) -> tuple[Answer, bytes]:
    """What a direction's datagrams are, and the first message: behind a damaged one that of its repetition.

    What is sent to one of the groups can only be damaged, if it has a header.
    """
    for number, message in enumerate(datagrams(data, sizes)):
        says = _says(message, asked)
        if says is not NO:
            return says, message
        if to_group and len(message) > 12 and (worth_waiting(message) or _header_fits(message, len(message))):
            return YES, message
        if number + 1 >= _MOST_DAMAGED or len(message) < 12 or not worth_waiting(message):
            return NO, b""
    return MORE, b""


def _over_tcp(data: bytes) -> tuple[Answer, bytes]:
    """What a direction's first message is, and the message, as far as it is there."""
    if len(data) < 2:
        return MORE, b""
    length = u16(data, 0)
    if length < 12 or (len(data) >= 14 and not _header_fits(data[2:14], length)):
        return NO, b""
    message = data[2 : 2 + length]
    if len(message) < min(length, _PATIENCE):
        return MORE, message
    return _says(message), message


def _header_fits(message: bytes, size: int) -> bool:
    """Whether the 12 octets are the header of a message of this size."""
    _, flags, questions, answers, authorities, additionals = _header(message)
    if flags >> 11 & 15 not in OPERATIONS or questions > _MOST_QUESTIONS or flags & 15 > 10:
        return False
    return bool(12 + 5 * questions + 11 * (answers + authorities + additionals) <= size)


def _says(message: bytes, asked: bytes = b"") -> Answer:
    """YES for a message; a bare header must be the refusal of ``asked``."""
    size = len(message)
    if size < 12:
        return NO
    if message[4:12] == bytes(8):
        if size > 12 or not message[2] & 0x80:
            return NO
        return MORE if not asked else YES if message[:2] == asked[:2] else NO
    if _header_fits(message, size) and _sections_fit(message):
        return YES
    return YES if evident(message) else NO


def _sections_fit(message: bytes) -> bool:
    """Questions and records, as far as they were sent, have names, types and classes."""
    size = len(message)
    questions: int
    _, flags, questions, *records = _header(message)
    at = 12
    if message[12:13] == b" " and encoded_name(message, 12):
        return False
    for _ in range(questions):
        at = _skip_name(message, at)
        if at == 0 or at + 4 > size or u16(message, at) not in TYPES or u16(message, at + 2) not in CLASSES:
            return False
        at += 4
    update = flags >> 11 & 15 == _UPDATE
    for _ in range(min(sum(records), _MOST_RECORDS)):
        if at == size:
            return questions > 0  # cut by its sender
        at = _skip_name(message, at)
        if at == 0 or at + 10 > size or u16(message, at) not in TYPES:
            return False
        if u16(message, at) != _OPT and not (u16(message, at + 2) in CLASSES or update):
            return False
        at += 10 + u16(message, at + 8)
        if at > size:
            return questions > 0
    return True


def _skip_name(message: bytes, at: int) -> int:
    """The offset after the name at ``at``; 0 where there is none."""
    size = len(message)
    octets = 0
    while at < size:
        length = message[at]
        if length == 0:
            return at + 1
        if length >= 0xC0:
            return at + 2 if at + 1 < size and u16(message, at) & 0x3FFF < at else 0
        if length > 63:
            return 0
        at += 1 + length
        octets += 1 + length
        if octets > 254:
            return 0
    return 0


def _which(flow: Flow, message: bytes) -> str:
    """Which of the three protocols a datagram's message belongs to."""
    if flow.dst in MDNS_GROUPS or flow.src in MDNS_GROUPS:
        return "mdns"
    if flow.dst in LLMNR_GROUPS or flow.src in LLMNR_GROUPS:
        return "llmnr"
    if message[:2] == b"\0\0" and u16(message, 2) & 0x7BFF == 0 and b"\5local\0" in message:
        return "mdns"
    return "dns"


def _facts(facts: dict[str, Any], message: bytes) -> None:
    _, flags, questions, answers, _, _ = _header(message)
    if (questions or answers) and "rrname" not in facts:
        facts["rrname"] = _name(message, 12)
        at = _skip_name(message, 12)
        if at and at + 2 <= len(message):
            facts["rrtype"] = _type_name(u16(message, at))
    if flags & _RESPONSE:
        code = flags & 15
        facts["rcode"] = RCODES[code] if code < len(RCODES) else str(code)
        facts["answers"] = min(answers, 0xFFFF)


def _type_name(kind: int) -> str:
    return _TYPE_NAMES.get(kind, f"TYPE{kind}")


def _name(message: bytes, at: int) -> str:
    """A name as text, pointers followed a few times."""
    labels: list[bytes] = []
    for _ in range(128):
        if at >= len(message) or message[at] == 0:
            break
        length = message[at]
        if length >= 0xC0:
            if at + 1 >= len(message):
                break
            at = u16(message, at) & 0x3FFF
            continue
        labels.append(message[at + 1 : at + 1 + length])
        at += 1 + length
    return text(b".".join(labels))
