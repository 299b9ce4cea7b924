"""Opens QUIC Initials; anyone can derive their keys (RFC 9001 section 5.2, RFC 9369 section 3.3)."""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import sha256
from typing import Final

from . import ciphers
from .quic_header import V2, Header, varint
from .wire import cut

_DRAFT_29: Final = bytes.fromhex("afbfec289993d24c9e9786f19c6111e04390a899")
_SALTS: Final = {
    0x00000001: bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"),
    V2: bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"),
    0x51303530: bytes.fromhex("504574efd066fe2f9d945cfcdbd3a7f0d3b56b45"),  # Q050
    0x54303530: bytes.fromhex("7ff579e5acd072915580304c43a2367c60488310"),  # T050
    0x54303531: bytes.fromhex("7a4edef4e7ccee5fa4506c19124fc8ccda6e033d"),  # T051
    0xFACEB001: bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502"),
    0xFACEB002: bytes.fromhex("c3eef712c72ebb5a11a7d2432bb46365bef9f502"),
}
#: Bytes of a ClientHello that are read.
LONGEST_HELLO: Final = 16384
#: Pieces of it that wait for one before them.
_MOST_PIECES: Final = 128
_PADDING, _PING, _ACK, _ACK_ECN, _CRYPTO, _GQUIC_CRYPTO, _CLOSE = 0, 1, 2, 3, 6, 8, 0x1C
#: the first letter of Google's versions
_GOOGLE: Final = ord("Q")
#: Data of CRYPTO frames by their offsets, in order, none of which touch.
Pieces = tuple[tuple[int, bytes], ...]


def add_piece(pieces: Pieces, offset: int, data: bytes) -> Pieces | None:
    """Return the pieces with another one; None where it differs from what is known, is too far away, or one too many.

    Which of two copies a receiver takes is its own choice (RFC 9000 section 2.2).
    """
    if offset + len(data) > LONGEST_HELLO:
        return None
    before: list[tuple[int, bytes]] = []
    behind: list[tuple[int, bytes]] = []
    for at, piece in pieces:
        end = offset + len(data)
        if at + len(piece) < offset:
            before.append((at, piece))
        elif at > end:
            behind.append((at, piece))
        else:
            low, high = max(at, offset), min(at + len(piece), end)
            if piece[: high - at][low - at :] != data[: high - offset][low - offset :]:
                return None
            if at + len(piece) > end:
                data += piece[end - at :]
            if at < offset:
                data, offset = piece[: offset - at] + data, at
    return None if len(before) + len(behind) >= _MOST_PIECES else (*before, (offset, data), *behind)


def is_readable(version: int) -> bool:
    """Return True if Initials of a version can be opened."""
    return ciphers.AVAILABLE and _salt(version) is not None


def open_initial(
    packet: bytes, header: Header, dcid: bytes, largest: int = -1, *, by_server: bool = False
) -> tuple[bytes, int] | None:
    """Return the frames and the number of an Initial, opened with the keys made of ``dcid``; None where it cannot be.

    ``largest`` is the highest number before it, -1 for none: the packet may have the lower bits of its own alone.
    """
    salt = _salt(header.version)
    if not ciphers.AVAILABLE or salt is None:
        return None
    token, at = varint(packet, header.end)
    length, at = varint(packet, at + token)
    end = at + length
    if length < 20 or end > len(packet):
        return None
    key, iv, header_protection = _keys(salt, dcid, header.version == V2, b"server in" if by_server else b"client in")
    mask = ciphers.ecb(header_protection, packet[at + 4 : at + 20])
    first = packet[0] ^ (mask[0] & 0x0F)
    width = (first & 3) + 1
    told = bytes(a ^ b for a, b in zip(packet[at : at + width], mask[1:], strict=False))
    sealed = cut(packet, at + width, end)
    associated = bytes([first]) + cut(packet, 1, at) + told
    lower = int.from_bytes(told, "big")
    for number in dict.fromkeys((_full_number(lower, 8 * width, largest), lower)):
        nonce = int.from_bytes(iv, "big") ^ number
        frames = ciphers.open_gcm(key, nonce.to_bytes(12, "big"), sealed, associated)
        if frames is not None:
            return frames, number
    return None


def _full_number(lower: int, bits: int, largest: int) -> int:
    """Return the number whose lower bits these are (RFC 9000 appendix A.3)."""
    window = 1 << bits
    expected = largest + 1
    number = (expected & ~(window - 1)) | lower
    if number <= expected - window // 2 and number < (1 << 62) - window:
        return number + window
    if number > expected + window // 2 and number >= window:
        return number - window
    return number


def _salt(version: int) -> bytes | None:
    if version >> 8 == 0xFF0000:
        draft = version & 0xFF
        if draft >= 33:
            return _SALTS[1]
        return _DRAFT_29 if draft >= 29 else _SALTS[0xFACEB002] if draft >= 23 else None
    return _SALTS.get(version)


@lru_cache(maxsize=64)
def _keys(salt: bytes, dcid: bytes, v2: bool, side: bytes = b"client in") -> tuple[bytes, bytes, bytes]:
    """Return a side's key, IV and header protection key."""
    initial = hmac.digest(salt, dcid, sha256)
    secret = _expand(initial, side, 32)
    prefix = b"quicv2 " if v2 else b"quic "
    return (
        _expand(secret, prefix + b"key", 16),
        _expand(secret, prefix + b"iv", 12),
        _expand(secret, prefix + b"hp", 16),
    )


def _expand(secret: bytes, label: bytes, length: int) -> bytes:
    """HKDF-Expand-Label of RFC 8446 section 7.1 for at most 32 bytes and no context."""
    label = b"tls13 " + label
    info = length.to_bytes(2, "big") + bytes([len(label)]) + label + b"\0\1"
    return hmac.digest(secret, info, sha256)[:length]


def crypto_frames(plain: bytes, version: int) -> tuple[list[tuple[int, bytes]], bool]:
    """Return offset and data of the CRYPTO frames, and whether all frames are such as an Initial may have."""
    found: list[tuple[int, bytes]] = []
    at, size = 0, len(plain)
    data_kind = _GQUIC_CRYPTO if version >> 24 == _GOOGLE else _CRYPTO
    while at < size:
        if not plain[at]:
            at = size - len(plain[at:].lstrip(b"\0"))
            continue
        kind, at = varint(plain, at)  # in more bytes than it needs, as some receivers take it
        numbers = 0
        if kind in (_CRYPTO, data_kind):
            offset, at = varint(plain, at)
            length, at = varint(plain, at)
            if at + length > size:
                return found, False
            found.append((offset, plain[at : at + length]))
            at += length
        elif kind in (_ACK, _ACK_ECN):
            _, at = varint(plain, at)
            _, at = varint(plain, at)
            ranges, at = varint(plain, at)
            if ranges > size:
                return found, False
            numbers = 1 + 2 * ranges + (3 if kind == _ACK_ECN else 0)
        elif kind == _CLOSE:
            _, at = varint(plain, at)
            _, at = varint(plain, at)
            reason, at = varint(plain, at)
            at += reason
        elif kind not in (_PADDING, _PING):
            return found, False
        for _ in range(numbers):
            _, at = varint(plain, at)
    return found, True
