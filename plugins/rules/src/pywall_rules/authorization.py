"""The datagram of single packet authorization: one secret, one packet, one opening.

``PWK1 | time, ms since 1970 (8) | nonce (16) | HMAC-SHA256 (32)``, 60 bytes, big-endian. The HMAC (RFC 2104) is over
the first 28 bytes, the source address as the firewall sees it (4 or 16), the IP protocol (1) and the port (2) to open:
a captured packet opens nothing for another address, no other port, and nothing later.
"""

from __future__ import annotations

import hmac
import os
import stat
from pathlib import Path
from struct import pack, unpack
from typing import Final

MAGIC: Final = b"PWK1"
SIZE: Final = 60
MIN_SECRET: Final = 16


def make(secret: bytes, address: bytes, protocol: int, port: int, *, now: float, nonce: bytes | None = None) -> bytes:
    """Return a datagram; ``address`` is the sender's packed one, ``now`` Unix seconds."""
    head = MAGIC + pack("!Q", int(now * 1000)) + (nonce or os.urandom(16))
    return head + _tag(secret, head, address, protocol, port)


def sent_at(datagram: bytes) -> float | None:
    """Unix seconds at which it says it was made; None when it is no such datagram."""
    if len(datagram) != SIZE or datagram[:4] != MAGIC:
        return None
    (milliseconds,) = unpack("!Q", datagram[4:12])
    return float(milliseconds) / 1000


def genuine(datagram: bytes, secret: bytes, address: bytes, protocol: int, port: int) -> bool:
    """The holder of the secret made it, at ``address``, for that port."""
    return hmac.compare_digest(datagram[28:], _tag(secret, datagram[:28], address, protocol, port))


def read_secret(file: str) -> bytes:
    """Return the secret in a file, without surrounding white space.

    :raises ValueError: unreadable, shorter than 16 bytes, or open to other users
    """
    try:
        path = Path(file)
        if stat.S_IMODE(path.stat().st_mode) & 0o007:
            raise ValueError(f"{file}: other users may read this secret: chmod o-rwx it")
        secret = path.read_bytes().strip()
    except OSError as error:
        raise ValueError(f"{file}: cannot be read: {error.strerror or error}") from None
    if len(secret) < MIN_SECRET:
        raise ValueError(f"{file}: a secret has at least {MIN_SECRET} bytes (openssl rand -hex 32)")
    return secret


def _tag(secret: bytes, head: bytes, address: bytes, protocol: int, port: int) -> bytes:
    return hmac.digest(secret, head + address + pack("!BH", protocol, port), "sha256")
