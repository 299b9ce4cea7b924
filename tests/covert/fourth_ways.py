"""Covert shapes X: how a tunnel is used, and with which cipher; written blind."""

from __future__ import annotations

import base64
import struct
import zlib
from random import Random

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .benign_files import file_of
from .encoders import json_line, record, words
from .mimicry_shapes import source_text
from .sessions import Session, log_uniform, shape

FAMILY = "fourth ways"


def rc4(key: bytes, data: bytes) -> bytes:
    """Return data combined with the key stream of RC4."""
    state, j = list(range(256)), 0
    for i in range(256):
        j = j + state[i] + key[i % len(key)] & 255
        state[i], state[j] = state[j], state[i]
    out, i, j = bytearray(), 0, 0
    for byte in data:
        i = i + 1 & 255
        j = j + state[i] & 255
        state[i], state[j] = state[j], state[i]
        out.append(byte ^ state[state[i] + state[j] & 255])
    return bytes(out)


def _u16(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def _seal(rng: Random, data: bytes, mode: str) -> bytes:
    key, iv = rng.randbytes(32), rng.randbytes(16)
    kinds = {"ecb": modes.ECB(), "cbc": modes.CBC(iv), "ctr": modes.CTR(iv)}
    coder = Cipher(algorithms.AES(key), kinds[mode]).encryptor()
    data += bytes([16 - len(data) % 16]) * (16 - len(data) % 16)
    return (b"" if mode == "ecb" else iv) + coder.update(data) + coder.finalize()


@shape(FAMILY, covert=True)
def fourth_beacons(rng: Random) -> Session:
    """A sealed report of 60 to 120 bytes, an answer of 40, now and again."""
    talk = Session()
    for n in range(40):
        talk.client(struct.pack(">HI", 0x0101, n) + rng.randbytes(rng.randint(60, 120)))
        talk.server(struct.pack(">HI", 0x0102, n) + rng.randbytes(40))
    return talk


@shape(FAMILY, covert=True)
def fourth_beacons_udp(rng: Random) -> Session:
    """Datagrams of 48 to 90 bytes, nothing around them."""
    talk = Session("udp")
    for _ in range(50):
        talk.client(rng.randbytes(rng.randint(48, 90))).server(rng.randbytes(rng.randint(48, 60)))
    return talk


@shape(FAMILY, covert=True)
def fourth_asks_little_gets_much(rng: Random) -> Session:
    """Sealed questions of 40 bytes, answers of kilobytes behind a length."""
    talk = Session()
    for _ in range(8):
        talk.client(_u16(rng.randbytes(40))).server(_u16(rng.randbytes(log_uniform(rng, 2000, 9000))))
    return talk


@shape(FAMILY, covert=True)
def fourth_records_in_code_book(rng: Random) -> Session:
    """AES in ECB mode over records: equal blocks stay equal."""
    talk, key = Session(), rng.getrandbits(30)
    for n in range(60):
        talk.client(_u16(_seal(Random(key), json_line(rng, n), "ecb"))).server(b"\0\1k")
    return talk


def _over(mode: str) -> None:
    def session(rng: Random) -> Session:
        talk = Session()
        for n in range(30):
            talk.client(_u16(_seal(rng, json_line(rng, n), mode))).server(_u16(_seal(rng, b'{"ok":true}', mode)))
        return talk

    session.__name__ = f"fourth_{mode}_of_records"
    shape(FAMILY, covert=True)(session)


for _mode in ("cbc", "ctr"):
    _over(_mode)


@shape(FAMILY, covert=True)
def fourth_rc4_stream(rng: Random) -> Session:
    """RC4 over a shell session, both ways, no frames."""
    up = rc4(rng.randbytes(16), "\n".join(words(rng, 3) for _ in range(120)).encode())
    down = rc4(rng.randbytes(16), source_text(rng, 20_000))
    talk = Session()
    for n in range(20):
        talk.client(up[n * 60 : n * 60 + 60]).server(down[n * 1000 : n * 1000 + 1000])
    return talk


@shape(FAMILY, covert=True)
def fourth_key_over_deflate(rng: Random) -> Session:
    """A key of 11 bytes over messages in zlib's format, lengths in front."""
    key, talk = rng.randbytes(11), Session()
    for n in range(40):
        data = zlib.compress(b"".join(json_line(rng, 20 * n + i) for i in range(12)))
        talk.client(_u16(bytes(byte ^ key[at % 11] for at, byte in enumerate(data))))
    return talk


@shape(FAMILY, covert=True)
def fourth_key_over_picture(rng: Random) -> Session:
    """A key of 32 bytes over a photograph."""
    key, data = rng.randbytes(32), file_of("jpeg", rng.randrange(4))
    return Session().client(bytes(byte ^ key[at % 32] for at, byte in enumerate(data[:50_000])))


@shape(FAMILY, covert=True)
def fourth_salt_and_sealed_lengths(rng: Random) -> Session:
    """A salt, then a sealed length and a sealed body each time."""
    talk = Session().client(rng.randbytes(32 + 18 + 16 + rng.randint(60, 700))).server(rng.randbytes(32))
    for _ in range(12):
        talk.server(rng.randbytes(18) + rng.randbytes(log_uniform(rng, 200, 8000)))
    return talk


@shape(FAMILY, covert=True)
def fourth_named_handshake(rng: Random) -> Session:
    """A line that names the handshake, keys, then sealed frames."""
    talk = (
        Session().client(b"XX_25519_SIV v3\n" + rng.randbytes(32)).server(rng.randbytes(96)).client(rng.randbytes(64))
    )
    for _ in range(25):
        talk.client(_u16(rng.randbytes(log_uniform(rng, 30, 500)))).server(
            _u16(rng.randbytes(log_uniform(rng, 60, 1400)))
        )
    return talk


@shape(FAMILY, covert=True)
def fourth_upload_of_one_file(rng: Random) -> Session:
    """One way, raw, 12 to 40 KB."""
    return Session().client(rng.randbytes(log_uniform(rng, 12_000, 40_000)))


@shape(FAMILY, covert=True)
def fourth_short_talk(rng: Random) -> Session:
    """Eight messages of 300 to 700 bytes behind a type and a length."""
    talk = Session()
    for n in range(8):
        say = talk.client if n % 2 == 0 else talk.server
        say(b"\x03" + _u16(rng.randbytes(rng.randint(300, 700))))
    return talk


@shape(FAMILY, covert=True)
def fourth_keystrokes_and_screens(rng: Random) -> Session:
    """Messages of 36 bytes up, some hundred down, each behind four bytes of length."""
    talk = Session()
    for _ in range(80):
        talk.client(struct.pack(">I", 36) + rng.randbytes(36))
        data = rng.randbytes(log_uniform(rng, 36, 400) // 4 * 4)
        talk.server(struct.pack(">I", len(data)) + data)
    return talk


@shape(FAMILY, covert=True)
def fourth_lines_and_frames(rng: Random) -> Session:
    """Orders in base 64, results in frames."""
    talk = Session()
    for n in range(30):
        talk.server(base64.b64encode(rng.randbytes(rng.randint(60, 200))) + b"\n")
        talk.client(struct.pack("<II", 0xBEEF, n) + _u16(rng.randbytes(log_uniform(rng, 100, 2000))))
    return talk


@shape(FAMILY, covert=True)
def fourth_deflated_each(rng: Random) -> Session:
    """Sealed messages that went through zlib, which gained nothing."""
    talk = Session()
    for _ in range(25):
        data = zlib.compress(rng.randbytes(log_uniform(rng, 200, 2000)))
        talk.client(struct.pack(">I", len(data)) + data).server(b"\0\0\0\1\x06")
    return talk


@shape(FAMILY, covert=True)
def fourth_bursts_of_records(rng: Random) -> Session:
    """Records of fixed layout whose secret is half of them."""
    talk = Session()
    for n in range(60):
        item = record(rng, n)
        talk.client(struct.pack("<IId", n, int(str(item["time"])), float(str(item["price"]))) + rng.randbytes(64))
    return talk


@shape(FAMILY, covert=True)
def fourth_hello_then_udp_noise(rng: Random) -> Session:
    """Two datagrams of text, then noise without anything around it."""
    talk = Session("udp").client(b"HELO peer-%d proto=2" % rng.randrange(99)).server(b"OK slot=%d" % rng.randrange(9))
    for _ in range(60):
        (talk.client if rng.random() < 0.5 else talk.server)(rng.randbytes(log_uniform(rng, 80, 1200)))
    return talk
