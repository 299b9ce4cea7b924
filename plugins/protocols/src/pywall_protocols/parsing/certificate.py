"""What an X.509 certificate says of itself (RFC 5280 section 4.1): a few fields, so no library."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha1, sha256
from typing import Any, Final

from .wire import cut, text, tlv

_ATTRIBUTES: Final = {
    b"\x55\x04\x03": "CN",
    b"\x55\x04\x04": "SN",
    b"\x55\x04\x05": "serialNumber",
    b"\x55\x04\x06": "C",
    b"\x55\x04\x07": "L",
    b"\x55\x04\x08": "ST",
    b"\x55\x04\x09": "street",
    b"\x55\x04\x0a": "O",
    b"\x55\x04\x0b": "OU",
    b"\x55\x04\x0c": "title",
    b"\x55\x04\x2a": "GN",
    b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x01": "UID",
    b"\x09\x92\x26\x89\x93\xf2\x2c\x64\x01\x19": "DC",
    b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x01": "emailAddress",
}
#: Attributes of one name that are read; more are cut.
_MOST: Final = 24
_KEPT: Final = 64
#: bytes of a serial number that become a fact (RFC 5280 section 4.1.2.2 allows 20)
_LONGEST_SERIAL: Final = 32
#: bytes of a certificate whose signature is checked: a key of 8192 bits takes 0.2 ms, much longer ones are for harm
_LARGEST_CHECKED: Final = 3072
_SEQUENCE, _SET, _OID, _BMP_STRING, _VERSION = 0x30, 0x31, 0x06, 0x1E, 0xA0


#: UTCTime and GeneralizedTime as certificates must have them (RFC 5280 section 4.1.2.5)
_time = re.compile(rb"(\d\d)?(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z\Z").match


@lru_cache(maxsize=_KEPT)
def details(der: bytes) -> dict[str, Any]:
    """Return the facts of a DER certificate, empty when it cannot be read.

    ``subject`` and ``issuerdn`` (as ``C=.., O=.., CN=..``), ``serial`` (hexadecimal, bytes apart), ``notbefore`` and
    ``notafter`` (ISO 8601, where they are times), ``self_issued`` (issuer and subject are the same name),
    ``self_signed`` (its own key has signed it; absent where that cannot be checked),
    ``fingerprint`` (SHA-1, hexadecimal) and ``fingerprint_sha256``. The same servers are met again and again: a few
    answers are kept, and are not to be changed.
    """
    outer = tlv(der, 0)
    body = tlv(der, outer[1]) if outer and outer[0] == _SEQUENCE else None
    if body is None or body[0] != _SEQUENCE:
        return {}
    at, end = body[1], body[2]
    fields: list[tuple[int, int, int]] = []
    while len(fields) < 5:  # serialNumber, signature, issuer, validity, subject
        field = tlv(der, at, end)
        if field is None:
            return {}
        if field[0] != _VERSION or fields:
            fields.append(field)
        at = field[2]
    if fields[2][0] != _SEQUENCE or fields[4][0] != _SEQUENCE:
        return {}
    serial, _, issuer, validity, subject = (cut(der, start, stop) for _, start, stop in fields)
    found: dict[str, Any] = {
        "subject": _name(der, *fields[4][1:]),
        "issuerdn": _name(der, *fields[2][1:]),
        "serial": serial[:_LONGEST_SERIAL].hex(":").upper(),
        "self_issued": issuer == subject,
        "fingerprint": sha1(der, usedforsecurity=False).hexdigest(),
        "fingerprint_sha256": sha256(der).hexdigest(),
    }
    signed = _is_self_signed(der) if issuer == subject else False
    if signed is not None:
        found["self_signed"] = signed
    at = 0
    for name in ("notbefore", "notafter"):
        field = tlv(validity, at)
        if field is None:
            break
        at = field[2]
        if when := _iso_time(cut(validity, field[1], at)):
            found[name] = when
    return found


def _is_self_signed(der: bytes) -> bool | None:
    """Return whether a certificate's own key has signed it; None where ``cryptography`` is not there or cannot tell."""
    if len(der) > _LARGEST_CHECKED:
        return None
    try:  # loaded for the first such certificate: 60 ms and 4.5 MiB that many processes never need
        from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
        from cryptography.x509 import load_der_x509_certificate
    except ImportError:  # the extra ``quic`` is not installed
        return None
    try:
        certificate = load_der_x509_certificate(der)
        certificate.verify_directly_issued_by(certificate)
    except InvalidSignature:
        return False
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return True


def _iso_time(data: bytes) -> str:
    """Return a time as ``2030-01-31T23:59:59``; years of two digits below 50 are of this century. Empty where it is
    none.
    """
    found = _time(data)
    if found is None:
        return ""
    century, year, month, day, hour, minute, second = (part.decode() if part else "" for part in found.groups())
    century = century or ("20" if int(year) < 50 else "19")
    return f"{century}{year}-{month}-{day}T{hour}:{minute}:{second}"


def _name(der: bytes, at: int, end: int) -> str:
    parts: list[str] = []
    while len(parts) < _MOST:
        rdn = tlv(der, at, end)
        if rdn is None or rdn[0] != _SET:
            break
        at = rdn[2]
        pair = tlv(der, rdn[1], rdn[2])
        oid = tlv(der, pair[1], pair[2]) if pair and pair[0] == _SEQUENCE else None
        value = tlv(der, oid[2], pair[2]) if pair and oid and oid[0] == _OID else None
        if oid is None or value is None:
            continue
        raw = cut(der, value[1], value[2])
        shown = text(raw.decode("utf-16-be", "replace") if value[0] == _BMP_STRING else raw)
        parts.append(f"{_ATTRIBUTES.get(cut(der, oid[1], oid[2]), 'OID')}={shown}")
    return text(", ".join(parts))
