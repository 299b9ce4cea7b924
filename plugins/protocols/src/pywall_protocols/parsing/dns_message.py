"""One DNS message: does it hold, and what does it say?

:source: RFC 1035 section 4; RFC 2136; RFC 6762 section 18
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import log2
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer

from .dns_damage import CLASSES, OPERATIONS, TYPES, evident, kind_fits
from .netbios_name import encoded_name
from .wire import text, u16

_TYPE_NAMES: Final = {
    1: "A", 2: "NS", 5: "CNAME", 6: "SOA", 10: "NULL", 11: "WKS", 12: "PTR", 13: "HINFO", 15: "MX", 16: "TXT", 17: "RP",
    24: "SIG", 25: "KEY", 28: "AAAA", 29: "LOC", 33: "SRV", 35: "NAPTR", 37: "CERT", 38: "A6", 39: "DNAME", 41: "OPT",
    43: "DS", 44: "SSHFP", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 50: "NSEC3", 51: "NSEC3PARAM", 52: "TLSA", 64: "SVCB",
    65: "HTTPS", 99: "SPF", 249: "TKEY", 250: "TSIG", 251: "IXFR", 252: "AXFR", 253: "MAILB", 255: "ANY", 256: "URI",
    257: "CAA",
}  # fmt: skip
RCODES: Final = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET",
                 "NOTAUTH", "NOTZONE")  # fmt: skip
_RESPONSE: Final = 0x80  # of the third byte
_OPT: Final = 41
_MOST_QUESTIONS: Final = 32
_MOST_RECORDS: Final = 16  # that are looked at
#: labels and pointers of a name that are followed: dnsmasq follows 255 pointers, and a name has at most 127 labels
_MOST_STEPS: Final = 512
#: the operation, which is 0 in a query
_OPERATION: Final = 0x78
_odd = re.compile(rb"[^A-Za-z0-9_-]").search
UPDATE: Final = 5


def header_fits(message: bytes, size: int) -> bool:
    """Return whether the 12 bytes are the header of a message of this size."""
    questions = u16(message, 4)
    if message[2] >> 3 & 15 not in OPERATIONS or questions > _MOST_QUESTIONS or message[3] & 15 > 10:
        return False
    return 12 + 5 * questions + 11 * _records(message) <= size


def _records(message: bytes) -> int:
    """Return how many records the header announces."""
    return u16(message, 6) + u16(message, 8) + u16(message, 10)


def grade_message(message: bytes, asked: bytes = b"") -> Answer:
    """YES for a message; a bare header must be the refusal of ``asked``."""
    size = len(message)
    if size < 12:
        return NO
    if message[4:12] == bytes(8):
        if size > 12 or not message[2] & 0x80:
            return NO
        return MORE if not asked else YES if message[:2] == asked[:2] else NO
    if header_fits(message, size) and _sections_fit(message):
        return YES
    return YES if evident(message) or asks(message) else NO


def asks(message: bytes) -> bool:
    """Return whether some server would answer this query, whatever else is wrong with it.

    Servers pass over the reserved bits and the code in a query's header and what follows its questions; over TCP
    some answer what says that it is a response. Some follow a pointer to a name anywhere in the message. The name must
    be one of a host.
    """
    if len(message) < 17 or message[2] & _OPERATION or not 1 <= u16(message, 4) <= _MOST_QUESTIONS:
        return False
    at = _name_end(message, 12)
    labels = _labels(message, 12)
    if not at or not labels or not kind_fits(message[at : at + 4]) or encoded_name(message, 12):
        return False
    return not any(_odd(label) for label in labels)


def _name_end(message: bytes, at: int) -> int:
    """Return the offset after the name at ``at``, which may point to anywhere; 0 where there is none."""
    size = len(message)
    while at < size:
        length = message[at]
        if length == 0:
            return at + 1
        if length >= 0xC0:
            return at + 2
        if length > 63:
            return 0
        at += 1 + length
    return 0


def _sections_fit(message: bytes) -> bool:
    """Questions and records, as far as they were sent, have names, types and classes."""
    size = len(message)
    questions = u16(message, 4)
    at = 12
    if message[12:13] == b" " and encoded_name(message, 12):
        return False
    for _ in range(questions):
        at = skip_name(message, at)
        if at == 0 or at + 4 > size or u16(message, at) not in TYPES or u16(message, at + 2) not in CLASSES:
            return False
        at += 4
    update = message[2] >> 3 & 15 == UPDATE
    for _ in range(min(_records(message), _MOST_RECORDS)):
        if at == size:
            return questions > 0  # cut by its sender
        at = skip_name(message, at)
        if at == 0 or at + 10 > size or u16(message, at) not in TYPES:
            return False
        if u16(message, at) != _OPT and not (u16(message, at + 2) in CLASSES or update):
            return False
        at += 10 + u16(message, at + 8)
        if at > size:
            return questions > 0
    return True


def skip_name(message: bytes, at: int) -> int:
    """Return the offset after the name at ``at``; 0 where there is none."""
    size = len(message)
    data = 0
    while at < size:
        length = message[at]
        if length == 0:
            return at + 1
        if length >= 0xC0:
            return at + 2 if at + 1 < size and u16(message, at) & 0x3FFF < at else 0
        if length > 63:
            return 0
        at += 1 + length
        data += 1 + length
        if data > 254:
            return 0
    return 0


def add_facts(facts: dict[str, Any], message: bytes) -> None:
    answers = u16(message, 6)
    if (u16(message, 4) or answers) and "rrname" not in facts:
        name = _name(message, 12)
        facts["rrname"] = name
        facts["name_length"] = len(name)
        facts["name_entropy"] = name_entropy(name)
        at = _name_end(message, 12)
        if at and at + 2 <= len(message):
            facts["rrtype"] = _type_name(u16(message, at))
    if message[2] & _RESPONSE:
        code = message[3] & 15
        facts["rcode"] = RCODES[code] if code < len(RCODES) else str(code)
        facts["answers"] = answers


@lru_cache(maxsize=1024)
def name_entropy(name: str) -> float:
    """Return the entropy of a name's letters without dots, upper and lower case alike, in bits a letter, 0 to 5.2.

    Names for people have 2.5 to 3.8; what is encoded in long labels (base32, hexadecimal) comes near 4 to 5.
    """
    letters = name.replace(".", "").lower()
    size = len(letters)
    entropy = -sum(count / size * log2(count / size) for count in map(letters.count, set(letters)))
    return round(entropy, 2) + 0.0


def _type_name(kind: int) -> str:
    return _TYPE_NAMES.get(kind, f"TYPE{kind}")


def _name(message: bytes, at: int) -> str:
    """Return a name as text, pointers followed."""
    return text(b".".join(_labels(message, at))).lower()  # RFC 4343: the case of letters says nothing


def _labels(message: bytes, at: int) -> list[bytes]:
    """Return the labels of a name, pointers followed wherever they point."""
    labels: list[bytes] = []
    for _ in range(_MOST_STEPS):
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
    return labels


def question_names(message: bytes) -> list[str]:
    """Return the names of all questions, at most 32, each once: what a server makes of several differs."""
    found: list[str] = []
    at = 12
    for _ in range(min(u16(message, 4), _MOST_QUESTIONS)):
        end = _name_end(message, at)
        if not end:
            break
        name = _name(message, at)
        if name not in found:
            found.append(name)
        at = end + 4
    return found
