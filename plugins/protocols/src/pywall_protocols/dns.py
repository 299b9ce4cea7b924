"""DNS over UDP and TCP, multicast DNS and LLMNR: one message format.

Which of the three it is is told by the group address that the flow is sent to (RFC 6762, RFC 4795), else by what only
mDNS has: id 0 and a name under ``.local``. A unicast LLMNR message looks like one of DNS.

:checked: header (operation, counts against size), every question's name, type and class, and every record of the first
    message as far as it goes; or, in a damaged one, a recursive query's header or a question of host name labels; over
    TCP the length before it. A NetBIOS name (32 letters A to P) is none
:source: RFC 1035 section 4; RFC 2136; RFC 6762 section 18; RFC 4795 section 2.1; RFC 7766 section 8
:minimum: one datagram of 17 octets; over TCP 19 octets
:facts: rrname, rrtype, rcode, answers
"""

from __future__ import annotations

import re
from struct import Struct
from typing import Any, Final

from pywall_core.api import MORE, NO, TCP, YES, Answer, Flow, Match, hookimpl

from .wire import first_datagram, text, two_sided, u16

protocols = ("dns", "mdns", "llmnr")
transport = ("tcp", "udp")
first_client = first_server = None

MDNS_GROUPS: Final = (bytes([224, 0, 0, 251]), bytes.fromhex("ff02" + "00" * 13 + "fb"))
LLMNR_GROUPS: Final = (bytes([224, 0, 0, 252]), bytes.fromhex("ff02" + "00" * 11 + "010003"))
TYPES: Final = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 11: "WKS", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 17: "RP",
    24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 33: "SRV", 35: "NAPTR", 37: "CERT", 38: "A6", 39: "DNAME", 41: "OPT",
    43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 64: "SVCB",
    65: "HTTPS", 99: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 255: "ANY", 256: "URI",
    257: "CAA",
}  # fmt: skip
RCODES: Final = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
                 "NOTAUTH", "NOTZONE")  # fmt: skip
#: Queries, inverse queries, status, notify, update: the operations that were ever in use.
_OPERATIONS: Final = frozenset({0, 1, 2, 4, 5})
_CLASSES: Final = frozenset({1, 3, 4, 254, 255})
_TOP_BIT: Final = 0x8000  # of a class in mDNS: cache flush, or unicast response wanted
_RESPONSE: Final = 0x8000  # of the flags
_UPDATE: Final = 5
_OPT: Final = 41
_RECURSIVE_QUERY: Final = bytes.fromhex("010000010000")  # flags, one question, no answer
_MOST_QUESTIONS: Final = 32
_MOST_RECORDS: Final = 16  # that are looked at

_host_label = re.compile(rb"[A-Za-z0-9_-]+\Z").match
_header = Struct("!HHHHHH").unpack_from


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Recognise DNS, mDNS and LLMNR."""
    if flow.proto == TCP:
        client_says, asked = _over_tcp(client)
        server_says, answered = _over_tcp(server)
    else:
        asked = first_datagram(client, flow.client_sizes)
        client_says = _says(asked) if asked else MORE
        answered = first_datagram(server, flow.server_sizes)
        server_says = _says(answered, asked) if answered else MORE
    answer = two_sided("dns", client_says, server_says)
    if not isinstance(answer, Match):
        return answer
    facts: dict[str, Any] = {}
    for message, says in ((asked, client_says), (answered, server_says)):
        if says is YES:
            _facts(facts, message)
    protocol = "dns" if flow.proto == TCP else _which(flow, asked or answered)
    confirmed = answer.confirmed or protocol != "dns"  # nobody need answer a multicast
    return Match(protocol, facts, confirmed, done=answer.done or confirmed)


def _over_tcp(data: bytes) -> tuple[Answer, bytes]:
    """What a direction's first message is, and the message, as far as it is there."""
    if len(data) < 2:
        return MORE, b""
    length = u16(data, 0)
    if length < 12 or (len(data) >= 14 and not _header_fits(data[2:14], length)):
        return NO, b""
    message = data[2 : 2 + length]
    if len(message) < length:
        return (MORE if len(data) < 4096 else NO), message
    return _says(message), message


def _header_fits(message: bytes, size: int) -> bool:
    """Whether the 12 octets are the header of a message of this size."""
    _, flags, questions, answers, authorities, additionals = _header(message)
    if flags >> 11 & 15 not in _OPERATIONS or questions > _MOST_QUESTIONS or flags & 15 > 10:
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
    return YES if _damaged(message) else NO


def _sections_fit(message: bytes) -> bool:
    """Questions and records, as far as they were sent, have names, types and classes."""
    size = len(message)
    questions: int
    _, flags, questions, *records = _header(message)
    at = 12
    if message[12:13] == b" " and _netbios_name(message[13:45]):
        return False
    for _ in range(questions):
        at = _skip_name(message, at)
        if at == 0 or at + 4 > size or not _type_fits(u16(message, at)) or not _class_fits(u16(message, at + 2)):
            return False
        at += 4
    update = flags >> 11 & 15 == _UPDATE
    for _ in range(min(sum(records), _MOST_RECORDS)):
        if at == size:
            return questions > 0  # cut by its sender
        at = _skip_name(message, at)
        if at == 0 or at + 10 > size or not _type_fits(u16(message, at)):
            return False
        if u16(message, at) != _OPT and not (_class_fits(u16(message, at + 2)) or update):
            return False
        at += 10 + u16(message, at + 8)
        if at > size:
            return questions > 0
    return True


def _damaged(message: bytes) -> bool:
    """A message with wrong counts, operation or end, if its beginning can be nothing else.

    That is a recursive query's flags and counts; a question of host name labels; or a single one that begins with two.
    """
    _, _, questions, *records = _header(message)
    at, labels = 12, 0
    while at < min(len(message), 12 + 255):
        length = message[at]
        if length == 0:
            kind = message[at + 1 : at + 5]
            return labels > 1 and len(kind) == 4 and _type_fits(u16(kind, 0)) and _class_fits(u16(kind, 2))
        label = message[at + 1 : at + 1 + length]
        if length == 32 and _netbios_name(label):
            return False
        if message[2:8] == _RECURSIVE_QUERY:
            return True
        if not length == len(label) <= 63 or not _host_label(label):
            return False
        at += 1 + length
        labels += 1
        if labels == 2 and questions == 1 and records.count(0) > 1:
            return True
    return False


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


def _type_fits(kind: int) -> bool:
    return kind in TYPES or 0 < kind <= 261 or kind in (32768, 32769) or kind >= 0xFF00


def _class_fits(kind: int) -> bool:
    return kind & ~_TOP_BIT in _CLASSES


def _netbios_name(label: bytes) -> bool:
    return len(label) == 32 and all(0x41 <= octet <= 0x50 for octet in label)


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
    return TYPES.get(kind, f"TYPE{kind}")


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
