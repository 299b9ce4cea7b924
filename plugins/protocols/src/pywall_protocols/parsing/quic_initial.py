"""Opens the QUIC Initials of a client; anyone can derive their keys (RFC 9001 section 5.2, RFC 9369 section 3.3)."""

from __future__ import annotations

import hmac
from functools import lru_cache
from hashlib import sha256
from typing import Final

from .quic_header import V2, Header, varint
from .wire import cut

try:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import ECB

    AVAILABLE = True
except ImportError:  # not every platform has it
    AVAILABLE = False

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
#: Bytes of a ClientHello that are kept.
LONGEST_HELLO: Final = 16384
_PADDING, _PING, _ACK, _ACK_ECN, _CRYPTO, _GQUIC_CRYPTO = 0, 1, 2, 3, 6, 8


class CryptoStream:
    """The CRYPTO frames' data by their offsets."""

    def __init__(self) -> None:
        self._parts: dict[int, bytes] = {}

    def add(self, offset: int, data: bytes) -> None:
        """Keep one frame's data."""
        if offset + len(data) <= LONGEST_HELLO and len(data) > len(self._parts.get(offset, b"")):
            self._parts[offset] = data

    def joined(self) -> bytes:
        """Return what follows without a gap from the start."""
        data = b""
        for offset in sorted(self._parts):
            if offset > len(data):
                break
            data += self._parts[offset][len(data) - offset :]
        return data


def read(packet: bytes, header: Header, dcid: bytes, stream: CryptoStream) -> bool:
    """Open an Initial with the keys made of ``dcid``, its CRYPTO frames go into ``stream``; False when it cannot."""
    salt = _salt(header.version)
    if not AVAILABLE or salt is None:
        return False
    token, at = varint(packet, header.end)
    length, at = varint(packet, at + token)
    end = at + length
    if length < 20 or end > len(packet):
        return False
    key, iv, header_protection = _keys(salt, dcid, header.version == V2)
    mask = Cipher(AES(header_protection), ECB()).encryptor().update(packet[at + 4 : at + 20])  # noqa: S305 (RFC 9001)
    first = packet[0] ^ (mask[0] & 0x0F)
    data = (first & 3) + 1
    number = bytes(a ^ b for a, b in zip(packet[at : at + data], mask[1:], strict=False))
    associated = bytes([first]) + cut(packet, 1, at) + number
    nonce = int.from_bytes(iv, "big") ^ int.from_bytes(number, "big")
    try:
        plain = AESGCM(key).decrypt(nonce.to_bytes(12, "big"), cut(packet, at + data, end), associated)
    except InvalidTag:
        return False
    _frames(plain, stream)
    return True


def _salt(version: int) -> bytes | None:
    if version >> 8 == 0xFF0000:
        draft = version & 0xFF
        if draft >= 33:
            return _SALTS[1]
        return _DRAFT_29 if draft >= 29 else _SALTS[0xFACEB002] if draft >= 23 else None
    return _SALTS.get(version)


@lru_cache(maxsize=64)
def _keys(salt: bytes, dcid: bytes, v2: bool) -> tuple[bytes, bytes, bytes]:
    """Return the client's key, IV and header protection key."""
    initial = hmac.digest(salt, dcid, sha256)
    secret = _expand(initial, b"client in", 32)
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


def _frames(plain: bytes, stream: CryptoStream) -> None:
    at, size = 0, len(plain)
    while at < size:
        kind = plain[at]
        at += 1
        if kind in (_CRYPTO, _GQUIC_CRYPTO):
            offset, at = varint(plain, at)
            length, at = varint(plain, at)
            if at + length > size:
                return
            stream.add(offset, plain[at : at + length])
            at += length
        elif kind in (_ACK, _ACK_ECN):
            _, at = varint(plain, at)
            _, at = varint(plain, at)
            ranges, at = varint(plain, at)
            if ranges > size:
                return
            for _ in range(1 + 2 * ranges + (3 if kind == _ACK_ECN else 0)):
                _, at = varint(plain, at)
        elif kind == _PADDING:
            at = size - len(plain[at:].lstrip(b"\0"))
        elif kind != _PING:
            return
