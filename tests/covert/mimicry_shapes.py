"""Covert shapes II: ciphertext behind the opening of something known, in its containers, or beside plain text."""

from __future__ import annotations

import contextlib
import gzip
import io
import ssl
import struct
import sys
import zipfile
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from random import Random

from PIL import Image

from .sessions import Frame, Session, Transport, add_shape, dialogue, shape


@cache
def client_hello(name: str = "www.example.org") -> bytes:
    """Return a real ClientHello record of this Python's OpenSSL."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    with contextlib.suppress(ssl.SSLWantReadError):
        context.wrap_bio(incoming, outgoing, server_hostname=name).do_handshake()
    return outgoing.read()


@cache
def program() -> bytes:
    """Return the largest executable or shared object of this Python."""
    files = [Path(sys.executable).resolve(), *Path(sys.base_prefix).rglob("*.so*")]
    return max((path for path in files if path.is_file()), key=lambda path: path.stat().st_size).read_bytes()


def source_text(rng: Random, size: int) -> bytes:
    """Return ``size`` bytes of this Python's own source, from a random place."""
    files = sorted(Path(ssl.__file__).parent.glob("*.py"))
    text = bytearray()
    while len(text) < size:
        text += rng.choice(files).read_bytes()
    start = rng.randrange(len(text) - size + 1)
    return bytes(text[start : start + size])


def noise_session(rng: Random, *openings: tuple[bool, bytes], frame: Frame | None = None) -> Session:
    """Return a session that opens as given and goes on with raw ciphertext in both directions."""
    session = Session(turns=list(openings))
    session.turns += dialogue(rng, frame or (lambda d, n, up: d)).turns
    return session


def _opening(name: str, *openings: tuple[bool, bytes]) -> None:
    add_shape(name, "openings", True, lambda rng: noise_session(rng, *openings))


def _wrapped(
    name: str, frame: Callable[[Random], Frame], transport: Transport = "tcp", family: str = "mimicry"
) -> None:
    add_shape(name, family, True, lambda rng: dialogue(rng, frame(rng), transport))


UP, DOWN = True, False

# --- an opening, then noise ---

_opening("ssh-banners", (UP, b"SSH-2.0-OpenSSH_9.6\r\n"), (DOWN, b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n"))
_opening("ssh-client-banner", (UP, b"SSH-2.0-libssh2_1.11.0\r\n"))
_opening("http-request-line", (UP, b"GET /index.html HTTP/1.1\r\n\r\n"))
_opening(
    "http-post-then-noise",
    (UP, b"POST /a HTTP/1.1\r\nHost: example.org\r\nContent-Length: 5\r\n\r\nhello"),
    (DOWN, b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"),
)
_opening(
    "http-101-no-key",
    (UP, b"GET /chat HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
    (DOWN, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"),
)
_opening("smtp-banner-client-noise", (DOWN, b"220 mail.example.org ESMTP Postfix\r\n"), (UP, b"EHLO a.example.org\r\n"))
_opening("ftp-banner", (DOWN, b"220 (vsFTPd 3.0.5)\r\n"))
_opening("socks5-greeting", (UP, b"\x05\x01\x00"), (DOWN, b"\x05\x00"))
_opening("mqtt-connect", (UP, b"\x10\x14\x00\x04MQTT\x04\x02\x00\x3c\x00\x08client01"))
_opening("bittorrent-handshake", (UP, b"\x13BitTorrent protocol" + bytes(8) + b"\x5a" * 20 + b"-TR3000-abcdefghijkl"))
_opening("redis-ping", (UP, b"*1\r\n$4\r\nPING\r\n"))
_opening("smb-header", (UP, b"\x00\x00\x00\x40\xfeSMB\x40\x00" + bytes(58)))
_opening("rdp-connect", (UP, bytes.fromhex("0300001300e00000000000010008000b000000")))
_opening("text-greeting", (UP, b"HELLO client v1.2 os=linux host=build-7\n"), (DOWN, b"WELCOME 48213\n"))


@shape("openings", covert=True)
def tls_hello_then_noise(rng: Random) -> Session:
    """A real ClientHello, then noise that no TLS speaker sends."""
    return noise_session(rng, (UP, client_hello()))


@shape("openings", covert=True)
def tls_two_headers(rng: Random) -> Session:
    """Two handshake records full of noise, then noise."""
    records = [b"\x16\x03\x01" + struct.pack(">H", size) + rng.randbytes(size) for size in (300, 120)]
    return noise_session(rng, (UP, records[0]), (DOWN, records[1]))


# --- every message dressed up ---

_wrapped("tls-application-records", lambda rng: lambda d, n, up: b"\x17\x03\x03" + struct.pack(">H", len(d)) + d)
_wrapped("tls-record-version-wrong", lambda rng: lambda d, n, up: b"\x17\x01\x01" + struct.pack(">H", len(d)) + d)
_wrapped("ssh-packet-lengths", lambda rng: lambda d, n, up: struct.pack(">IB", len(d) + 1, 4) + d)
_wrapped("http-chunks-no-head", lambda rng: lambda d, n, up: b"%X\r\n%s\r\n" % (len(d), d))
_wrapped("websocket-frames-no-upgrade", lambda rng: lambda d, n, up: b"\x82\x7e" + struct.pack(">H", len(d)) + d)
_wrapped(
    "dtls-records", lambda rng: lambda d, n, up: b"\x17\xfe\xfd" + struct.pack(">HIHH", 1, 0, n, len(d)) + d, "udp"
)
_wrapped(
    "dtls-handshake-noise",
    lambda rng: lambda d, n, up: b"\x16\xfe\xff" + struct.pack(">HIHH", 0, 0, n, len(d)) + d,
    "udp",
)
_wrapped(
    "rtp-header",
    lambda rng: (lambda ssrc, ts: lambda d, n, up: struct.pack(">BBHI", 0x80, 96, 1000 + n, ts + 960 * n) + ssrc + d)(
        rng.randbytes(4), rng.getrandbits(31)
    ),
    "udp",
)
_wrapped("rtp-bare-sequence", lambda rng: lambda d, n, up: struct.pack(">HH", 0x8064, n) + d, "udp")
_wrapped(
    "wireguard-data",
    lambda rng: (lambda key: lambda d, n, up: b"\x04\0\0\0" + key + struct.pack("<Q", n) + d)(rng.randbytes(4)),
    "udp",
)
_wrapped(
    "wireguard-shifted",
    lambda rng: (lambda key: lambda d, n, up: b"\x2b\x17\x09\xa1" + key + struct.pack("<Q", n) + d)(rng.randbytes(4)),
    "udp",
)
_wrapped("utp-like", lambda rng: (lambda conn: lambda d, n, up: b"\x01\x00" + conn + d)(rng.randbytes(2)), "udp")
_wrapped(
    "wechat-video-like",
    lambda rng: lambda d, n, up: b"\xa1\x08" + struct.pack(">I", n) + b"\x00\x10\x11\x18\x30\x22\x30" + d,
    "udp",
)
_wrapped(
    "stun-header",
    lambda rng: lambda d, n, up: struct.pack(">HHI", 0x0001, len(d), 0x2112A442) + rng.randbytes(12) + d,
    "udp",
)
_wrapped(
    "dns-header", lambda rng: lambda d, n, up: rng.randbytes(2) + struct.pack(">HHHHH", 0x0100, 1, 0, 0, 0) + d, "udp"
)
_wrapped("quic-short-header", lambda rng: (lambda cid: lambda d, n, up: b"\x40" + cid + d)(rng.randbytes(8)), "udp")


@shape("mimicry", covert=True)
def quic_initial_of_noise(rng: Random) -> Session:
    """Long headers of QUIC version 1 whose packets do not open."""
    cid = rng.randbytes(8)

    def frame(data: bytes, n: int, up: bool) -> bytes:
        long = b"\xc3\0\0\0\x01\x08" + cid + b"\0\0" + struct.pack(">H", 0x4000 | len(data))
        return (long if n == 0 else b"\x43" + cid) + data

    return dialogue(rng, frame, "udp")


@shape("mimicry", covert=True)
def ntp_of_noise(rng: Random) -> Session:
    """Datagrams of 48 bytes with NTP's first bytes, a window onto noise."""
    session = Session("udp")
    for _ in range(rng.randint(60, 400)):
        session.client(b"\x23\x00\x06\xec" + rng.randbytes(44)).server(b"\x24\x02\x06\xec" + rng.randbytes(44))
    return session


@shape("mimicry", covert=True)
def wireguard_handshake_noise(rng: Random) -> Session:
    """A first datagram of the right size and type, then frames of another kind."""
    session = Session("udp").client(b"\x01\0\0\0" + rng.randbytes(144))
    session.turns += dialogue(rng, lambda d, n, up: d, "udp").turns
    return session


# --- plain beside or before ciphertext ---


@shape("mixed", covert=True)
def text_then_noise(rng: Random) -> Session:
    """32 KB of text, then as much ciphertext and more."""
    return Session().client(source_text(rng, 32_000)).client(*(rng.randbytes(1400) for _ in range(60)))


@shape("mixed", covert=True)
def elf_then_noise(rng: Random) -> Session:
    """20 KB of an executable, then ciphertext."""
    elf = program()[:20_000]
    return Session().server(elf).server(*(rng.randbytes(1400) for _ in range(60)))


@shape("mixed", covert=True)
def jpeg_then_noise(rng: Random) -> Session:
    """5 KB of a photograph, then ciphertext."""
    buffer = io.BytesIO()
    image = Image.effect_noise((256, 256), 60)
    image.save(buffer, "JPEG", quality=60)
    return Session().server(buffer.getvalue()[:5000]).server(*(rng.randbytes(1400) for _ in range(40)))


@shape("mixed", covert=True)
def noise_up_text_down(rng: Random) -> Session:
    """Ciphertext from the client, lines of text from the server."""
    session = Session()
    for number in range(30):
        session.client(rng.randbytes(rng.randint(300, 1400))).server(b"200 stored block %d of 30\r\n" % number)
    return session


@shape("mixed", covert=True)
def json_head_each(rng: Random) -> Session:
    """A short JSON head before each sealed body."""
    return dialogue(rng, lambda d, n, up: b'{"v":1,"n":%d,"len":%d}\n' % (n, len(d)) + d, sizes=(300, 1400))


@shape("mixed", covert=True)
def every_fourth_text(rng: Random) -> Session:
    """Three sealed messages, then a line of status."""
    return dialogue(
        rng,
        lambda d, n, up: b"status=ok uptime=%d load=0.%02d\n" % (n * 60, n % 100) if n % 4 == 3 else d,
        sizes=(400, 1400),
    )


# --- structure that compresses nothing ---


def _container(name: str, make: Callable[[Random, bytes], bytes]) -> None:
    def session(rng: Random) -> Session:
        return Session().client(b"PUT\n").client(make(rng, rng.randbytes(rng.randint(20_000, 50_000))))

    add_shape(name, "containers", True, session)


def _stored_zip(rng: Random, data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        archive.writestr(f"{rng.getrandbits(32):08x}.bin", data)
    return buffer.getvalue()


def _png(rng: Random, data: bytes) -> bytes:
    side = int((len(data) / 3) ** 0.5)
    buffer = io.BytesIO()
    Image.frombytes("RGB", (side, side), data[: side * side * 3]).save(buffer, "PNG")
    return buffer.getvalue()


_container("gzip-of-noise", lambda rng, d: gzip.compress(d))
_container("zlib-stored", lambda rng, d: zlib.compress(d, 0))
_container("zip-of-noise", _stored_zip)
_container("png-of-noise", _png)
_container("png-head-only", lambda rng, d: b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\4\0\0\0\3\0\x08\2\0\0\0" + d)
_container("jpeg-head-only", lambda rng, d: bytes.fromhex("ffd8ffe000104a46494600010100000100010000") + d)
_container("gzip-head-only", lambda rng, d: b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + d)
_container("xz-head-only", lambda rng, d: b"\xfd7zXZ\0\0\4\xe6\xd6\xb4F" + d)
_container(
    "mp4-mdat-of-noise",
    lambda rng, d: struct.pack(">I", 24) + b"ftypisom\0\0\2\0isomiso2" + struct.pack(">I", len(d) + 8) + b"mdat" + d,
)
_container(
    "pdf-trailer", lambda rng, d: b"%PDF-1.4\n1 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 1 0 R>>\n%%EOF\n" + d
)
_container(
    "tar-of-noise",
    lambda rng, d: (
        (
            b"data.bin".ljust(100, b"\0")
            + b"0000644\0"
            + b"0000000\0" * 2
            + b"%011o\0" % len(d)
            + b"00000000000\0"
            + b"        "
            + b"0"
        ).ljust(257, b"\0")
        + b"ustar\00000".ljust(255, b"\0")
        + d
    ),
)
