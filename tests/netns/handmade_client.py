"""A TCP client without a kernel: sends a text in the ways of the evasion literature and prints what came back.

``python handmade_client.py OWN_ADDRESS SERVER PORT MODE TECHNIQUE...``: MODE ``hello`` sends a TLS ClientHello,
``text`` lines of plain text. It sits behind a TUN device of its namespace, whose stack knows nothing of the
connections. One JSON object is printed: technique -> the length of the answer and whether it is the expected one.

The techniques are those of Ptacek and Newsham (1998), Khattak et al. (FOCI 2013), Wang et al. (IMC 2017) and Bock et
al. (CCS 2019), as far as they are a matter of TCP.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from ipaddress import ip_address
from random import Random

from pywall_core.api import ACK, FIN, PSH, RST, SYN, URG, decode
from pywall_core.testing import tcp_packet

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000
MD5 = bytes([19, 18]) + bytes(16) + b"\x01\x01"
PATIENCE = 0.7
random = Random(os.getpid())


def open_tun(own: str) -> int:
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"pwtun", IFF_TUN | IFF_NO_PI))
    family = "-6" if ip_address(own).version == 6 else "-4"
    for command in ("link set pwtun up", f"{family} route add {own} dev pwtun"):
        subprocess.run(["ip", *command.split()], check=True)
    return tun


class Connection:
    """``at`` is an offset in the client's stream. Whatever the server sends is acknowledged and kept in order."""

    def __init__(self, tun: int, own: str, server: str, port: int, isn: int | None = None) -> None:
        self.tun = tun
        self.client, self.server = (own, random.randrange(20_000, 60_000)), (server, port)
        self.isn = random.getrandbits(32) if isn is None else isn
        self.server_isn = -1
        self.clock = random.randrange(1 << 20, 1 << 30)
        self.got = b""
        self.acked = 0
        #: where the client's next byte would stand: a segment before what the server has is not even read for its ACK
        self.top = 0

    def open(self, data: bytes = b"") -> Connection:
        for _ in range(5):
            self.send(-1, data, SYN, ack=None, options=b"\x02\x04\x05\xb4")
            self.listen(0.3, lambda: self.server_isn >= 0)
            if self.server_isn >= 0:
                break
        self.send(0)
        return self

    def send(
        self,
        at: int,
        data: bytes = b"",
        flags: int = ACK,
        *,
        ack: int | None = 0,
        age: int = 0,
        options: bytes = b"",
        urgent: int = 0,
        spoil: bool = False,
    ) -> None:
        self.clock += 1
        options = struct.pack("!BBBBII", 1, 1, 8, 10, self.clock - age, 0) + options
        number = 0 if ack is None else (self.server_isn + 1 + len(self.got) + ack) % 2**32
        seq = (self.isn + 1 + at) % 2**32
        packet = tcp_packet(*self.client, *self.server, seq=seq, ack=number, flags=flags, data=data, options=options)
        sums = (40 if packet[0] >> 4 == 6 else 20) + 16
        if urgent:
            total = (~int.from_bytes(packet[sums : sums + 2], "big") & 0xFFFF) + urgent
            packet = packet[:sums] + struct.pack("!HH", ~(total + (total >> 16)) & 0xFFFF, urgent) + packet[sums + 4 :]
        if spoil:
            packet = packet[:sums] + bytes([packet[sums] ^ 0x10]) + packet[sums + 1 :]
        os.write(self.tun, packet)
        time.sleep(0.002)

    def listen(self, seconds: float, enough: Callable[[], bool]) -> None:
        end = time.monotonic() + seconds
        while not enough() and (left := end - time.monotonic()) > 0:
            if not select.select([self.tun], [], [], left)[0]:
                return
            packet = decode(os.read(self.tun, 65536))
            if packet.proto != 6 or packet.dport != self.client[1] or packet.sport != self.server[1]:
                continue
            if packet.flags & SYN:
                self.server_isn = packet.seq
                continue
            self.acked = max(self.acked, (packet.ack - self.isn - 1) % 2**32 if packet.flags & ACK else 0)
            at = (packet.seq - self.server_isn - 1) % 2**32
            if packet.end > packet.start and at <= len(self.got) < at + packet.end - packet.start:
                self.got += packet.payload[len(self.got) - at :]
                self.send(max(self.top, self.acked))


Technique = Callable[[Connection, bytes], None]
TECHNIQUES: dict[str, Technique] = {}


def technique(function: Technique) -> Technique:
    TECHNIQUES[function.__name__] = function
    return function


def pieces(connection: Connection, text: bytes, size: int, order: int = 1) -> None:
    for at in list(range(0, len(text), size))[::order]:
        connection.send(at, text[at : at + size], ACK | PSH)


def junk(size: int) -> bytes:
    return (b"GET / HTTP/1.0\r\nHost: plain.example\r\n\r\n" * (size // 30 + 1))[:size]


@technique
def plain(connection: Connection, text: bytes) -> None:
    pieces(connection, text, 1400)


@technique
def seg1(connection: Connection, text: bytes) -> None:
    pieces(connection, text, 1)


@technique
def seg3(connection: Connection, text: bytes) -> None:
    pieces(connection, text, 3)


@technique
def reverse(connection: Connection, text: bytes) -> None:
    pieces(connection, text, 50, -1)


def in_records(text: bytes, size: int) -> bytes:
    """A ClientHello spread over TLS records of ``size`` bytes (RFC 8446 section 5.1); other text as it is."""
    if not text.startswith(b"\x16\x03"):
        return text
    body = text[5:]
    return b"".join(
        text[:3] + len(body[at : at + size]).to_bytes(2, "big") + body[at : at + size]
        for at in range(0, len(body), size)
    )


@technique
def records1(connection: Connection, text: bytes) -> None:
    pieces(connection, in_records(text, 1), 1400)


@technique
def records100(connection: Connection, text: bytes) -> None:
    pieces(connection, in_records(text, 100), 50)


@technique
def head_last(connection: Connection, text: bytes) -> None:
    connection.send(5, text[5:])
    connection.send(0, text[:5])


@technique
def dup(connection: Connection, text: bytes) -> None:
    for at in range(0, len(text), 40):
        connection.send(at, text[at : at + 40])
        connection.send(at, text[at : at + 40])


@technique
def overlap_ooo(connection: Connection, text: bytes) -> None:
    connection.send(10, junk(30))
    connection.send(0, text)


@technique
def overlap_rewrite(connection: Connection, text: bytes) -> None:
    connection.send(0, text[:60])
    connection.send(0, junk(60))
    connection.send(60, text[60:])


@technique
def overlap_extend(connection: Connection, text: bytes) -> None:
    connection.send(0, text[:60])
    connection.listen(0.1, lambda: connection.acked >= 60)
    connection.send(0, junk(60) + text[60:])


def inserted(name: str, **how: object) -> None:
    """Junk that the server refuses, where the text belongs, and then the text."""

    def send(connection: Connection, text: bytes) -> None:
        at = int(how.get("at", 0))  # type: ignore[call-overload]
        for _ in range(2):
            connection.send(at, junk(len(text)), **{k: v for k, v in how.items() if k != "at"})  # type: ignore[arg-type]
        pieces(connection, text, 100)

    TECHNIQUES[name] = send


inserted("badsum", spoil=True)
inserted("noack", flags=PSH, ack=None)
inserted("badack", ack=1_000_000)
inserted("badack_old", ack=-1_000_000)
inserted("md5opt", options=MD5)
inserted("paws", age=100_000)
inserted("oow", at=1 << 20)
inserted("fin_badsum", flags=FIN | ACK, spoil=True)
inserted("fin_oow", flags=FIN | ACK, at=1 << 20)
inserted("fin_badack", flags=FIN | ACK, ack=1_000_000)


def bare(name: str, at: int = 0, flags: int = RST, **how: object) -> None:
    """A segment that would end or begin a connection, and then the text."""

    def send(connection: Connection, text: bytes) -> None:
        connection.send(at, b"", flags, **how)  # type: ignore[arg-type]
        pieces(connection, text, 100)

    TECHNIQUES[name] = send


bare("rst_badsum", spoil=True)
bare("rst_oow", at=1 << 20)
bare("rst_inexact", at=1000)
bare("rst_md5", options=MD5)
bare("fin_inside", at=0, flags=FIN, ack=None)
bare("resyn", at=5000, flags=SYN, ack=None)
bare("resyn_same", at=-1, flags=SYN, ack=None)
bare("synack", at=5000, flags=SYN | ACK)


@technique
def keepalive(connection: Connection, text: bytes) -> None:
    connection.send(-1, b"G")
    connection.send(0, text[:50])
    connection.listen(0.1, lambda: connection.acked >= 50)
    connection.send(49, b"G")
    connection.send(50, text[50:])


@technique
def old_junk(connection: Connection, text: bytes) -> None:
    connection.send(-30, junk(30))
    pieces(connection, text, 100)


@technique
def urgent(connection: Connection, text: bytes) -> None:
    connection.send(0, text[:3] + b"G" + text[3:40], ACK | URG, urgent=4)
    connection.send(41, text[40:])


OPENINGS: dict[str, dict[str, object]] = {"syn_data": {"data": junk(100)}, "seqwrap": {"isn": 2**32 - 40}}
TECHNIQUES["syn_data"] = TECHNIQUES["seqwrap"] = TECHNIQUES["plain"]


@technique
def ack_data(connection: Connection, text: bytes) -> None:
    connection.send(0, text)


def client_hello() -> bytes:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="secret.example")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return outgoing.read()


def attempt(tun: int, own: str, server: str, port: int, mode: str, name: str) -> dict[str, object]:
    opening = OPENINGS.get(name, {})
    connection = Connection(tun, own, server, port, opening.get("isn")).open(opening.get("data", b""))  # type: ignore[arg-type]
    text = client_hello() if mode == "hello" else b"innocent lines of text, one like the other\n" * 8
    TECHNIQUES[name](connection, text)
    connection.top = len(text) + (name == "urgent")

    def answered() -> bool:
        return connection.got.startswith(b"\x16\x03") if mode == "hello" else len(connection.got) >= len(text)

    connection.listen(PATIENCE, answered)
    good = answered() if mode == "hello" else connection.got == text
    connection.send(connection.acked, b"", RST)
    return {"opened": connection.server_isn >= 0, "answer": len(connection.got), "good": good}


def main() -> None:
    own, server, port, mode, *names = sys.argv[1:]
    tun = open_tun(own)
    print(json.dumps({name: attempt(tun, own, server, int(port), mode, name) for name in names or TECHNIQUES}))


if __name__ == "__main__":
    main()
