"""Messages of the common serialisers, which tell their end by what they hold: Protocol Buffers, MessagePack, CBOR.

:source: protobuf.dev, Encoding; the MessagePack specification; RFC 8949 section 3
"""

from __future__ import annotations

from typing import Final

#: MessagePack: bytes that follow a type, and of how many bytes a length or a number of items is
_PLAIN: Final = {0xCA: 4, 0xCB: 8, 0xCC: 1, 0xCD: 2, 0xCE: 4, 0xCF: 8, 0xD0: 1, 0xD1: 2, 0xD2: 4, 0xD3: 8,
                 0xD4: 2, 0xD5: 3, 0xD6: 5, 0xD7: 9, 0xD8: 17, 0xC0: 0, 0xC2: 0, 0xC3: 0}  # fmt: skip
_BYTES: Final = {0xC4: 1, 0xC5: 2, 0xC6: 4, 0xD9: 1, 0xDA: 2, 0xDB: 4}
_EXTENSION: Final = {0xC7: 1, 0xC8: 2, 0xC9: 4}
_ITEMS: Final = {0xDC: (2, 1), 0xDD: (4, 1), 0xDE: (2, 2), 0xDF: (4, 2)}


def is_serialised(message: bytes) -> bool:
    """Return True if one message of a serialiser ends where these bytes end: random ones hardly ever do."""
    return _is_protobuf(message) or _is_messagepack(message) or _is_cbor(message)


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a number of seven bits a byte, lowest first, and where it ends; behind the data where it does not."""
    value = shift = 0
    while at < len(data) and shift < 64:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
        shift += 7
    return 0, len(data) + 1


def _is_protobuf(data: bytes) -> bool:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if not 8 <= key < 1 << 15:
            return False
        if kind == 0:
            _, at = _varint(data, at)
        elif kind == 2:
            size, at = _varint(data, at)
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            return False
    return at == len(data) > 0


def _is_messagepack(data: bytes) -> bool:
    """A map or an array."""
    if not data or not (0x80 <= data[0] <= 0x9F or data[0] in _ITEMS):
        return False
    at, items = 0, 1
    while items and at < len(data):
        kind = data[at]
        at, items = at + 1, items - 1
        if kind < 0x80 or kind >= 0xE0:
            continue
        if kind < 0x90:
            items += 2 * (kind & 15)
        elif kind < 0xA0:
            items += kind & 15
        elif kind < 0xC0:
            at += kind & 31
        elif kind in _PLAIN:
            at += _PLAIN[kind]
        elif kind in _BYTES or kind in _EXTENSION:
            width = _BYTES.get(kind) or _EXTENSION[kind]
            at += width + int.from_bytes(data[at : at + width], "big") + (kind in _EXTENSION)
        elif kind in _ITEMS:
            width, each = _ITEMS[kind]
            items += each * int.from_bytes(data[at : at + width], "big")
            at += width
        else:
            return False
    return not items and at == len(data)


def _is_cbor(data: bytes) -> bool:
    """A map, an array, or one of them behind a tag, of a length that it says."""
    if not data or data[0] >> 5 not in (4, 5, 6):
        return False
    at, items = 0, 1
    while items and at < len(data):
        major, short = data[at] >> 5, data[at] & 31
        at, items = at + 1, items - 1
        if short > 27:
            return False
        width = 0 if short < 24 else 1 << short - 24
        value = int.from_bytes(data[at : at + width], "big") if width else short
        at += width
        if major in (2, 3):
            at += value
        elif major in (4, 5, 6):
            items += 1 if major == 6 else value * (major - 3)
    return not items and at == len(data)
