"""Subject and issuer of an X.509 certificate (RFC 5280 section 4.1); two names and no more, so no library."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

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
_SEQUENCE, _SET, _OID, _BMP_STRING, _VERSION = 0x30, 0x31, 0x06, 0x1E, 0xA0


@lru_cache(maxsize=_KEPT)
def names(der: bytes) -> dict[str, str]:
    """``subject`` and ``issuerdn`` (as ``C=.., O=.., CN=..``) of a DER certificate; empty when it cannot be read.

    The same servers are met again and again: a few answers are kept, and are not to be changed.
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
    return {"subject": _name(der, *fields[4][1:]), "issuerdn": _name(der, *fields[2][1:])}


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
