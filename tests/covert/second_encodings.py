"""Covert shapes V: ciphertext written out in text, and in datagrams; written blind, as III."""

from __future__ import annotations

import base64
import binascii
import json
import quopri
import struct
import zlib
from collections.abc import Callable
from random import Random

from .second_framings import _same
from .sessions import Session, add_framing, add_shape

# --- text encodings ---

_ALPHABET = bytes(Random(5).sample(sorted(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"), 64))
_OWN_64 = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", _ALPHABET)
_Z85 = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"


def _z85(d: bytes) -> bytes:
    out = bytearray()
    for (value,) in struct.iter_unpack(">I", d[: len(d) // 4 * 4]):
        out += bytes(_Z85[value // 85**power % 85] for power in (4, 3, 2, 1, 0))
    return bytes(out) or b"00000"


def _uu(d: bytes) -> bytes:
    return b"".join(binascii.b2a_uu(d[at : at + 45]) for at in range(0, len(d), 45))


_TEXTS: dict[str, Callable[[bytes, int], bytes]] = {
    "json-rpc-base64": lambda d, n: (
        json.dumps({"jsonrpc": "2.0", "id": n, "method": "push", "params": [base64.b64encode(d).decode()]}).encode()
        + b"\n"
    ),
    "json-hex": lambda d, n: b'{"seq":%d,"blob":"%s"}\n' % (n, d.hex().encode()),
    "mime-base64": lambda d, n: base64.encodebytes(d),
    "base32-lower": lambda d, n: base64.b32encode(d).rstrip(b"=").lower() + b"\r\n",
    "uuencode": lambda d, n: b"begin 644 f\n" + _uu(d) + b"`\nend\n",
    "z85": lambda d, n: _z85(d) + b"\n",
    "own-alphabet-64": lambda d, n: base64.b64encode(d).translate(_OWN_64) + b"\n",
    "quoted-printable": lambda d, n: quopri.encodestring(d) + b"\n",
    "decimal-list": lambda d, n: json.dumps(list(d)).encode() + b"\n",
    "hex-spaced": lambda d, n: d.hex(" ").encode() + b"\n",
    "nibbles-a-p": lambda d, n: bytes(97 + half for byte in d for half in (byte >> 4, byte & 15)) + b"\n",
    "utf8-two-bytes": lambda d, n: "".join(chr(256 + byte) for byte in d).encode() + b"\n",
    "utf16-json-base64": lambda d, n: json.dumps({"n": n, "d": base64.b64encode(d).decode()}).encode("utf-16-le"),
    "form-urlencoded": lambda d, n: (
        b"id=%d&data=" % n
        + base64.b64encode(d).replace(b"+", b"%2B").replace(b"/", b"%2F").replace(b"=", b"%3D")
        + b"\r\n"
    ),
}
for _name, _encode in _TEXTS.items():
    add_framing(_name, "texts", (lambda encode: lambda rng: lambda d, n, up: encode(d, n))(_encode))

# --- datagrams ---

add_framing(
    "udp-u16-flags", "datagrams", _same(lambda d, n, up: struct.pack(">HB", n, 0x80 if n % 5 else 0x81) + d), "udp"
)
add_framing(
    "udp-openvpn-like-v2",
    "datagrams",
    lambda rng: lambda d, n, up: b"\x48\0\0\x07" + struct.pack(">I", n + 1) + rng.randbytes(16) + d,
    "udp",
)
add_framing(
    "udp-counter-time-ids",
    "datagrams",
    _same(lambda d, n, up: struct.pack("<IIHHB", n, 90_000 + 33 * n, 17, 4, up) + d),
    "udp",
)
add_framing(
    "udp-rtp-extension",
    "datagrams",
    lambda rng: lambda d, n, up: struct.pack(">BBHII", 0x90, 111, n, 960 * n, 77) + b"\xbe\xde\0\1\x10\x7f\0\0" + d,
    "udp",
)
add_framing(
    "udp-tftp-like",
    "datagrams",
    _same(lambda d, n, up: struct.pack(">HH", 3, n + 1) + d if up else struct.pack(">HH", 4, n + 1)),
    "udp",
    (512, 512),
)
add_framing(
    "udp-sctp-like",
    "datagrams",
    lambda rng: (
        lambda d, n, up: (
            struct.pack(">HHII", 5000, 5000, 0xC0FFEE, zlib.crc32(d))
            + struct.pack(">BBHIHHI", 0, 3, len(d) + 16, 900 + n, 1, n, 51)
            + d
        )
    ),
    "udp",
)
add_framing(
    "udp-acks-between",
    "datagrams",
    _same(lambda d, n, up: struct.pack(">BI", 1, n) + d if n % 3 else struct.pack(">BIIB", 2, n, n, 0)),
    "udp",
)
add_framing(
    "udp-fec-shards",
    "datagrams",
    _same(lambda d, n, up: struct.pack("<IHH", n, 0xF1 if n % 13 < 10 else 0xF2, len(d) + 2) + d),
    "udp",
)
add_framing("udp-nonce-8", "datagrams", lambda rng: lambda d, n, up: rng.randbytes(8) + d, "udp", (20, 500))


def _acknowledged(rng: Random) -> Session:
    """Sealed blocks up, four bytes of acknowledgement down."""
    session = Session()
    for number in range(rng.randint(8, 40)):
        session.client(struct.pack("<I", 900) + rng.randbytes(900)).server(struct.pack("<I", number))
    return session


add_shape("acknowledged-upload", "own headers", True, _acknowledged)
