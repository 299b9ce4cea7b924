"""Covert shapes IV: ciphertext in framings, spellings, containers and company that the other lots have not; written blind."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import struct
import tarfile
import zlib
from collections.abc import Callable
from random import Random

from .benign_files import file_of
from .encoders import json_line, jsons, msgpack, player_state, protobuf, varint, words
from .mimicry_shapes import program, source_text
from .sessions import Frame, Session, Transport, add_shape, dialogue, log_uniform, transfer

Sizes = tuple[int, int]


def _frame(
    name: str,
    make: Frame | Callable[[Random], Frame],
    transport: Transport = "tcp",
    sizes: Sizes | None = None,
    *,
    seeded: bool = False,
) -> None:
    """Dialogue in one framing; ``seeded``: ``make`` takes the generator and returns the framing of a flow."""
    add_shape(
        name,
        "third framings",
        True,
        lambda rng: dialogue(rng, make(rng) if seeded else make, transport, sizes=sizes),  # type: ignore[call-arg, arg-type]
    )


# --- framings ---

_frame("third-length-inverse", lambda d, n, up: struct.pack(">HH", len(d), ~len(d) & 0xFFFF) + d)
_frame("third-length-in-words", lambda d, n, up: struct.pack("<H", (len(d) + 3) // 4) + d + bytes(-len(d) % 4))
_frame("third-length-pdp", lambda d, n, up: struct.pack("<HH", len(d) >> 16, len(d) & 0xFFFF) + d)
_frame("third-length-hex-8", lambda d, n, up: b"%08x" % len(d) + d)
_frame("third-length-bcd", lambda d, n, up: bytes.fromhex(f"{len(d):06d}") + d)
_frame("third-length-bits", lambda d, n, up: struct.pack(">I", len(d) * 8) + d)
_frame(
    "third-length-times-mark", lambda d, n, up: b"\xab\xcd" + struct.pack("<I", len(d)) + b"\x01\x00" + d + b"\xdc\xba"
)
_frame("third-sealed-length-tag", lambda rng: lambda d, n, up: rng.randbytes(18) + d + rng.randbytes(16), seeded=True)
_frame("third-sealed-length-2", lambda rng: lambda d, n, up: rng.randbytes(2) + d, seeded=True)
_frame(
    "third-header-size-byte",
    lambda rng: lambda d, n, up: bytes([8 + 4 * (n % 3), 1]) + struct.pack(">HI", len(d), n) + bytes(4 * (n % 3)) + d,
    seeded=True,
)
_frame("third-sequence-behind", lambda d, n, up: d + struct.pack(">I", n))
_frame("third-md5-behind", lambda d, n, up: struct.pack(">I", len(d)) + d + hashlib.md5(d).digest())
_frame(
    "third-sum-of-header", lambda d, n, up: (h := struct.pack(">BBHI", 5, up, len(d), n)) + bytes([sum(h) & 255]) + d
)
_frame("third-time-double", lambda d, n, up: struct.pack("<dI", 1_760_000_000.25 + n * 0.037, len(d)) + d)
_frame(
    "third-uuid-ahead",
    lambda rng: lambda d, n, up, u=rng.randbytes(16): u + struct.pack(">HI", len(d), n) + d,
    seeded=True,
)
_frame("third-line-and-bytes", lambda d, n, up: b"DATA %d %d\r\n" % (n, len(d)) + d + b"\r\n")
_frame("third-stomp", lambda d, n, up: b"MESSAGE\nid:%d\ncontent-length:%d\n\n" % (n, len(d)) + d + b"\0\n")
_frame(
    "third-multipart",
    lambda d, n, up: b"--x7Q\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(d) + d + b"\r\n",
)
_frame(
    "third-json-then-bytes", lambda d, n, up: b'{"id":%d,"len":%d,"op":"push"}\n' % (n, len(d)) + d, sizes=(200, 4000)
)
_frame("third-xml-cdata", lambda d, n, up: b"<m n='%d'><![CDATA[" % n + d + b"]]></m>", sizes=(300, 3000))
_frame(
    "third-grpc-like",
    lambda d, n, up: struct.pack(">BI", 0, len(d) + 4) + b"\x0a" + varint(len(d))[:3].ljust(3, b"\0") + d,
)
_frame("third-thrift-like", lambda d, n, up: struct.pack(">IIIB3sI", len(d) + 20, 0x80010001, 4, 0x66, b"wri", n) + d)
_frame(
    "third-amf-like",
    lambda d, n, up: struct.pack(">B3s3sBI", 3, struct.pack(">I", n * 40)[1:], struct.pack(">I", len(d))[1:], 9, 1) + d,
)
_frame(
    "third-chunked-128",
    lambda d, n, up: b"".join(b"\xc3" + d[i : i + 128] for i in range(0, len(d), 128)) + b"\x03",
    sizes=(300, 4000),
)
_frame(
    "third-escape-byte",
    lambda d, n, up: (
        b"\x02" + d.replace(b"\x10", b"\x10\x10").replace(b"\x02", b"\x10\x82").replace(b"\x03", b"\x10\x83") + b"\x03"
    ),
)
_frame(
    "third-msgpack-array",
    lambda d, n, up: msgpack([n, "ev", up])[:-1] + b"\xc5" + struct.pack(">H", len(d)) + d,
    sizes=(100, 3000),
)
_frame(
    "third-mixed-kinds",
    lambda rng: (
        lambda d, n, up: (
            struct.pack(">BH", (t := rng.choice((1, 1, 1, 2))), len(d) if t == 1 else 6)
            + (d if t == 1 else struct.pack(">IH", n, 0))
        )
    ),
    seeded=True,
)
_frame(
    "third-stair-pad-64",
    lambda d, n, up: struct.pack(">H", len(d)) + d + b"\0" * (-(len(d) + 2) % 64),
    sizes=(200, 2500),
)
_frame(
    "third-udp-connection-id",
    lambda rng: lambda d, n, up, c=rng.randbytes(8): b"\x40" + c + struct.pack(">H", n & 0xFFFF) + d,
    "udp",
    seeded=True,
)
_frame("third-udp-game-header", lambda d, n, up: struct.pack("<BIIB", 0xD4, n, max(n - 2, 0), 0xFF) + d, "udp")
_frame(
    "third-udp-fixed-1200",
    lambda d, n, up: struct.pack(">I", n) + d.ljust(1000, d[:1]),
    "udp",
    sizes=(980, 1000),
)
_frame("third-udp-parts", lambda d, n, up: struct.pack(">IBBH", n // 3, n % 3, 3, len(d)) + d, "udp")
_frame(
    "third-udp-masked-header",
    lambda rng: (
        lambda d, n, up: (
            (s := rng.randbytes(4))
            + bytes(a ^ b for a, b in zip(struct.pack(">HH", len(d), n & 0xFFFF), s, strict=True))
            + d
        )
    ),
    "udp",
    seeded=True,
)
_frame(
    "third-udp-tlv",
    lambda d, n, up: b"\1\4" + struct.pack(">I", n) + b"\2\1" + bytes([up]) + b"\3" + struct.pack(">H", len(d)) + d,
    "udp",
)
_frame(
    "third-udp-random-pad",
    lambda rng: lambda d, n, up: rng.randbytes(8) + d + rng.randbytes(rng.randint(0, 60)),
    "udp",
    seeded=True,
)
_frame(
    "third-udp-kcp-batches",
    lambda d, n, up: (
        struct.pack("<IBBHIIII", 0x1234, 82, 0, 32, n * 40, n, n, 0) * (n % 3)
        + struct.pack("<IBBHIIII", 0x1234, 81, 0, 128, n * 40, n, n, len(d))
        + d
    ),
    "udp",
)

# --- spellings ---


def _base_n(alphabet: bytes, block: int, digits: int) -> Callable[[bytes], bytes]:
    """Numbers of ``block`` bytes in ``digits`` letters."""

    def code(data: bytes) -> bytes:
        out = bytearray()
        for at in range(0, len(data) - block + 1, block):
            number, word = int.from_bytes(data[at : at + block], "big"), bytearray()
            for _ in range(digits):
                number, rest = divmod(number, len(alphabet))
                word.append(alphabet[rest])
            out += word[::-1]
        return bytes(out)

    return code


LETTERS = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
DIGITS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
QR = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"


def _yenc(data: bytes) -> bytes:
    out = bytearray()
    for byte in data:
        value = byte + 42 & 255
        out += bytes([61, value + 64 & 255]) if value in (0, 10, 13, 61) else bytes([value])
    return bytes(out)


def _lines(code: Callable[[bytes], bytes], width: int = 76) -> Callable[[bytes], bytes]:
    def make(data: bytes) -> bytes:
        text = code(data)
        return b"".join(text[at : at + width] + b"\n" for at in range(0, len(text), width))

    return make


def _packed_bits(bits: int, high: int) -> Callable[[bytes], bytes]:
    def code(data: bytes) -> bytes:
        number, length = int.from_bytes(data, "big"), len(data) * 8
        return bytes(high | number >> max(length - at - bits, 0) & (1 << bits) - 1 for at in range(0, length, bits))

    return code


SPELLINGS: dict[str, Callable[[bytes], bytes]] = {
    "base85": base64.b85encode,
    "base91-like": _base_n(bytes(range(33, 124)), 13, 16),
    "base58": _base_n(LETTERS, 8, 11),
    "base62": _base_n(DIGITS, 8, 11),
    "base45": _base_n(QR, 2, 3),
    "base36": _base_n(DIGITS[:36].lower(), 8, 13),
    "base32hex": base64.b32hexencode,
    "yenc": _yenc,
    "hex-reversed": lambda d: d.hex().encode()[::-1],
    "hex-colons": lambda d: d.hex(":").encode(),
    "hex-dump": lambda d: b"".join(
        b"%08x  %s\n" % (at, d[at : at + 16].hex(" ").encode()) for at in range(0, len(d), 16)
    ),
    "c-escapes": lambda d: b"".join(b"\\x%02x" % byte for byte in d),
    "percent-u": lambda d: b"".join(
        b"%%u%04x" % number for (number,) in struct.iter_unpack(">H", d[: len(d) // 2 * 2])
    ),
    "bits-as-text": lambda d: b"".join(b"%s" % format(byte, "08b").encode() for byte in d),
    "octal": lambda d: b" ".join(b"%03o" % byte for byte in d),
    "utf-16-be-hex": lambda d: d.hex().encode().decode().encode("utf-16-be"),
    "utf-7": lambda d: d.decode("latin-1").encode("utf-7"),
    "latin-as-utf-8": lambda d: d.decode("latin-1").encode(),
    "seven-bits-high": _packed_bits(7, 0x80),
    "six-bits-0x20": lambda d: bytes(0x20 + (v & 63) for v in _packed_bits(6, 0)(d)),
    "five-bits-low": _packed_bits(5, 0),
    "zeros-two-between": lambda d: b"".join(bytes((byte, 0, 0)) for byte in d),
    "ones-between": lambda d: b"".join(bytes((255, byte)) for byte in d),
    "u32-each": lambda d: b"".join(struct.pack("<I", byte) for byte in d),
    "float-mantissas": lambda d: b"".join(d[at : at + 2] + b"\x80\x3f" for at in range(0, len(d) - 1, 2)),
    "three-in-four": lambda d: b"".join(d[at : at + 3] + b"\0" for at in range(0, len(d), 3)),
}


def _spelled(name: str, code: Callable[[bytes], bytes]) -> None:
    """Messages in lines of text, or in one stream where the spelling is not text."""

    def session(rng: Random) -> Session:
        text = code(b"sample of it").isascii() and "between" not in name
        made = _lines(code) if text and rng.random() < 0.5 and "dump" not in name else code
        return dialogue(rng, lambda d, n, up: made(d) + b"\n" * text, sizes=(200, 2500), total=(3000, 30_000))

    add_shape(f"third-{name}", "third spellings", True, session)


for _name, _code in SPELLINGS.items():
    _spelled(_name, _code)

# --- containers ---


def _ts(data: bytes) -> bytes:
    return b"".join(
        b"\x47\x41\0" + bytes([0x10 | n & 15]) + data[at : at + 184].ljust(184, b"\xff")
        for n, at in enumerate(range(0, len(data), 184))
    )


def _adts(data: bytes) -> bytes:
    return b"".join(
        (0xFFF1_5080_0000_00 | (len(part := data[at : at + 300]) + 7) << 13 | 0x1FFC).to_bytes(7, "big") + part
        for at in range(0, len(data), 300)
    )


def _ogg(data: bytes) -> bytes:
    out = b""
    for n, at in enumerate(range(0, len(data), 4000)):
        body = data[at : at + 4000]
        laces = bytes([255] * (len(body) // 255) + [len(body) % 255])
        out += (
            b"OggS\0"
            + bytes([2 * (n == 0)])
            + struct.pack("<QIII", n * 960, 77, n, 0)
            + bytes([len(laces)])
            + laces
            + body
        )
    return out


def _fragments(data: bytes) -> bytes:
    head = struct.pack(">I4s4sI4s4s", 24, b"ftyp", b"iso5", 512, b"iso5", b"mp41")
    return head + b"".join(
        struct.pack(">I4s", 24, b"moof")
        + struct.pack(">I4sII", 16, b"mfhd", 0, at)
        + struct.pack(">I4s", len(data[at : at + 6000]) + 8, b"mdat")
        + data[at : at + 6000]
        for at in range(0, len(data), 6000)
    )


def _flv(data: bytes) -> bytes:
    out = b"FLV\1\5\0\0\0\x09\0\0\0\0"
    for at in range(0, len(data), 2000):
        body = b"\x27\1\0\0\0" + data[at : at + 2000]
        out += (
            b"\x09"
            + struct.pack(">I", len(body))[1:]
            + struct.pack(">I", at)[1:]
            + bytes(4)
            + body
            + struct.pack(">I", len(body) + 11)
        )
    return out


def _jpeg_scan(data: bytes) -> bytes:
    real = file_of("jpeg", 0)
    return real[: real.index(b"\xff\xda") + 14] + data.replace(b"\xff", b"\xff\0") + b"\xff\xd9"


def _tar_of_pictures(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for n, at in enumerate(range(0, len(data), 9000)):
            item = tarfile.TarInfo(f"photos/{n:03d}.jpg")
            item.size = len(data[at : at + 9000])
            tar.addfile(item, io.BytesIO(data[at : at + 9000]))
    return buffer.getvalue()


def _trailing_zip(data: bytes) -> bytes:
    return data + b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 1, 1, 60, len(data) - 60, 0)


CONTAINERS: dict[str, Callable[[bytes], bytes]] = {
    "mpeg-ts": _ts,
    "adts": _adts,
    "ogg-pages": _ogg,
    "mp4-fragments": _fragments,
    "flv-tags": _flv,
    "jpeg-scan": _jpeg_scan,
    "tar-of-jpg": _tar_of_pictures,
    "zip-trailer": _trailing_zip,
    "executable-section": lambda d: program()[:2000] + d,
    "pe-then": lambda d: b"MZ" + bytes(58) + struct.pack("<I", 64) + b"PE\0\0" + bytes(200) + d,
    "tiff": lambda d: b"II*\0" + struct.pack("<IHHHIIHHIII", 8, 2, 256, 3, 1, 512, 273, 4, 1, 42, 0) + d,
    "aiff": lambda d: (
        b"FORM"
        + struct.pack(">I", len(d) + 46)
        + b"AIFFCOMM"
        + struct.pack(">IhIh", 18, 1, len(d) // 2, 16)
        + b"\x40\x0e\xac\x44"
        + bytes(6)
        + b"SSND"
        + struct.pack(">III", len(d) + 8, 0, 0)
        + d
    ),
    "cms-enveloped": lambda d: (
        b"\x30\x83"
        + struct.pack(">I", len(d) + 30)[1:]
        + b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x03\xa0\x83"
        + struct.pack(">I", len(d) + 8)[1:]
        + b"\x04\x83"
        + struct.pack(">I", len(d))[1:]
        + d
    ),
    "pdf-stream": lambda d: (
        b"%%PDF-1.5\n1 0 obj\n<< /Length %d /Filter /FlateDecode >>\nstream\n" % len(d)
        + d
        + b"\nendstream\nendobj\n%%EOF\n"
    ),
    "lz4-stored-blocks": lambda d: (
        b"\x04\x22\x4d\x18\x60\x40\x82"
        + b"".join(
            struct.pack("<I", 0x80000000 | len(d[a : a + 65536])) + d[a : a + 65536] for a in range(0, len(d), 65536)
        )
        + bytes(4)
    ),
    "gif-of": lambda d: (
        b"GIF89a\x40\x01\xf0\0\xf7\0\0"
        + bytes(range(256)) * 3
        + b",\0\0\0\0\x40\x01\xf0\0\0\x08"
        + b"".join(bytes([len(d[a : a + 255])]) + d[a : a + 255] for a in range(0, len(d), 255))
        + b"\0;"
    ),
    "dns-messages": lambda d: b"".join(
        struct.pack(">H", 40 + len(d[a : a + 200]))
        + struct.pack(">6H", a & 0xFFFF, 0x8180, 1, 1, 0, 0)
        + b"\3www\7example\3com\0\0\x10\0\1"
        + d[a : a + 200]
        for a in range(0, len(d), 200)
    ),
}


def _held(name: str, code: Callable[[bytes], bytes]) -> None:
    def session(rng: Random) -> Session:
        data = code(rng.randbytes(log_uniform(rng, 24_000, 60_000)))
        return transfer(data, b"" if rng.random() < 0.5 else b"get\n", by_client=rng.random() < 0.5)

    add_shape(f"third-{name}-of-noise", "third holders", True, session)


for _name, _code in CONTAINERS.items():
    _held(_name, _code)

# --- company ---


def _beside(name: str, content: Callable[[Random, int], bytes], frame: Frame, share: float) -> None:
    """Messages of ciphertext among others of ``content``, in one framing."""

    def session(rng: Random) -> Session:
        talk, number = Session(), 0
        while talk.size < 40_000:
            body = content(rng, number) if rng.random() < share else rng.randbytes(log_uniform(rng, 60, 1300))
            (talk.client if rng.random() < 0.3 else talk.server)(frame(body, number, False))
            number += 1
        return talk

    add_shape(name, "third company", True, session)


def _u32(d: bytes, n: int, up: bool) -> bytes:
    return struct.pack(">I", len(d)) + d


_beside("third-among-game-state", player_state, _u32, 0.4)
_beside("third-among-json", json_line, _u32, 0.4)
_beside("third-among-protobuf", protobuf, lambda d, n, up: varint(len(d)) + d, 0.3)
_beside("third-among-deflate", lambda rng, n: zlib.compress(jsons(rng, n)[:1500]), _u32, 0.3)


def _then(name: str, make: Callable[[Random], bytes], *, other_way: bool = False) -> None:
    """Something else in front, then raw ciphertext."""

    def session(rng: Random) -> Session:
        talk = Session().server(make(rng)) if other_way else Session().client(make(rng))
        for turn in dialogue(rng, lambda d, n, up: d, total=(20_000, 50_000)).turns:
            talk.turns.append((True, turn[1]))
        return talk

    add_shape(name, "third company", True, session)


_then("third-config-then-noise", lambda rng: b"".join(json_line(rng, i) for i in range(12)))
_then("third-png-down-noise-up", lambda rng: file_of("png", rng.randrange(4))[:9000], other_way=True)
_then("third-deflate-then-noise", lambda rng: struct.pack(">I", 900) + zlib.compress(source_text(rng, 9000)))
_then("third-long-talk-then-noise", lambda rng: "\n".join(words(rng, 9) for _ in range(60)).encode())
_then("third-zeros-then-noise", lambda rng: bytes(3000))


def _alternating(rng: Random) -> Session:
    """Pictures and ciphertext by turns, each behind a length."""
    talk = Session()
    for n in range(6):
        talk.server(_u32(file_of("jpeg", n % 4)[: 3000 + 100 * n], n, False))
        talk.client(_u32(rng.randbytes(3000), n, True))
    return talk


def _polled(rng: Random) -> Session:
    """Empty polls of the client, answers of ciphertext now and then."""
    talk = Session()
    for n in range(200):
        talk.client(struct.pack(">HHI", 8, 1, n))
        if rng.random() < 0.3:
            data = rng.randbytes(log_uniform(rng, 100, 900))
            talk.server(struct.pack(">HHI", len(data) + 8, 2, n) + data)
        else:
            talk.server(struct.pack(">HHI", 8, 3, n))
    return talk


def _checked(rng: Random) -> Session:
    """Blocks with their sum in hexadecimal before each."""
    talk = Session()
    for _ in range(12):
        data = rng.randbytes(2048)
        talk.client(b"%08x:" % binascii.crc32(data) + data).server(b"ok\n")
    return talk


add_shape("third-pictures-and-noise", "third company", True, _alternating)
add_shape("third-polled", "third company", True, _polled)
add_shape("third-sum-in-hex", "third company", True, _checked)
