"""AES of the library ``cryptography`` (the extra ``quic``), loaded when a flow is first deciphered: it takes 7 MiB of a
process and as many milliseconds of its start.
"""

from __future__ import annotations

from importlib.util import find_spec

#: the library is installed
AVAILABLE = find_spec("cryptography") is not None


def ecb(key: bytes, block: bytes) -> bytes:
    """Return a block of 16 bytes enciphered alone, as QUIC masks its headers."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import ECB

    return Cipher(AES(key), ECB()).encryptor().update(block)  # noqa: S305 (RFC 9001 section 5.4.3)


def ctr(key: bytes, counter: bytes, data: bytes) -> bytes:
    """Return the data deciphered in counter mode."""
    from cryptography.hazmat.primitives.ciphers import Cipher
    from cryptography.hazmat.primitives.ciphers.algorithms import AES
    from cryptography.hazmat.primitives.ciphers.modes import CTR

    return Cipher(AES(key), CTR(counter)).decryptor().update(data)


def open_gcm(key: bytes, nonce: bytes, sealed: bytes, associated: bytes) -> bytes | None:
    """Return what is sealed by AES-GCM, or None where the tag is not that of the key, the nonce and both texts."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except InvalidTag:
        return None
