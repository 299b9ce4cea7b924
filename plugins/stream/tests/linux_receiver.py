"""Sends random schedules of segments to a Linux socket, through the engine, and compares what both have read.

Run in a network namespace of its own (``unshare -n python linux_receiver.py SEED SCHEDULES``). The namespace's stack is
reached through a TUN device, so this process is the network: a packet that the engine accepts is written to the device
or, at random, lost behind the firewall, as one whose TTL does not suffice. Prints one JSON object a schedule.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from random import Random
from typing import Any, ClassVar

from pywall_stream.plugin import Stream

from pywall_core.api import (
    ACCEPT,
    ACK,
    FIN,
    INPUT,
    NO,
    OUTPUT,
    PSH,
    RST,
    SYN,
    URG,
    Flow,
    Host,
    Packet,
    RuleKind,
    decode,
    hookimpl,
)
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.plugins.loader import assemble
from pywall_core.testing import tcp_packet

CLIENT, SERVER, PORT = "10.9.0.1", "10.9.0.2", 5000
MD5 = bytes([19, 18]) + bytes(16) + b"\x01\x01"
TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 1, 0x1000


class EachPacket(RuleKind):
    """Matches nothing and is asked for each packet, so that no verdict is final."""

    kind: ClassVar[str] = "each-packet"
    scope = "packet"

    def compile(self, host: Host) -> Callable[[Packet, Flow], Any]:
        return lambda packet, flow: NO


class Recorder:
    def __init__(self) -> None:
        self.handed: list[bytes] = []

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        register(EachPacket)

    @hookimpl
    def pywall_segment(self, flow: Flow, to_server: bool, offset: int, data: bytes, gap: int) -> None:
        if to_server:
            assert offset == sum(map(len, self.handed))
            self.handed.append(data)


def open_tun() -> int:
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH", b"pw0", IFF_TUN | IFF_NO_PI))
    for command in ("link set lo up", f"address add {SERVER}/24 dev pw0", "link set pw0 up"):
        subprocess.run(["ip", *command.split()], check=True)
    return tun


class Schedule:
    """One connection. ``honest``: only cutting, order, repetition and loss; else tricks are mixed in."""

    def __init__(self, tun: int, listener: socket.socket, seed: int, client_port: int) -> None:
        self.random = random = Random(seed)
        self.honest = random.random() < 0.3
        self.tun, self.listener, self.port = tun, listener, client_port
        never = [{"rule": "each-packet", "action": "DROP"}]
        config = Config.model_validate({"version": 1, "chains": {"INPUT": never, "OUTPUT": never}})
        self.recorder = Recorder()
        self.engine = Engine(config, assemble(config, [("stream", Stream()), ("recorder", self.recorder)]), live=True)
        self.isn = random.choice([1000, 2**32 - 20, 2**31 - 20, random.getrandbits(32)])
        self.server_isn = 0
        self.clock = random.getrandbits(32) if random.random() < 0.5 else -1
        self.time = 1.0
        self.acked = 0
        self.reset = False
        self.urgent = -1
        self.drops: dict[str, int] = {}
        self.read: list[bytes] = []
        self.connection: socket.socket | None = None

    def run(self) -> dict[str, Any]:
        random = self.random
        stream = bytes(random.choice(b"abcdefgh") for _ in range(random.randint(1, 120)))
        if random.random() < 0.25:
            self.urgent = random.randrange(len(stream))
        self.connect()
        for _ in range(random.randint(0, 25)):
            at = random.randrange(len(stream))
            length = random.choice([1, 2, 3, 10, 40])
            self.say(stream, at, length)
            if not self.honest and random.random() < 0.5:
                self.trick(stream)
            if random.random() < 0.3:
                self.take()
        for _ in range(2):
            for at in range(min(self.acked, len(stream)), len(stream), 20):
                self.say(stream, at, 20, lose=False)
        self.take()
        wanted = stream if self.urgent < 0 else stream[: self.urgent] + stream[self.urgent + 1 :]
        if self.connection is not None:
            self.connection.close()
        result = {"honest": self.honest, "reset": self.reset, "wanted": wanted.decode(), "drops": self.drops}
        handed, read = b"".join(self.recorder.handed), b"".join(self.read)
        errors = [failure.last for failure in self.engine.failures.by_plugin.values()]
        return {**result, "handed": handed.decode("latin1"), "read": read.decode("latin1"), "errors": errors}

    def connect(self) -> None:
        scale = b"\x03\x03\x07\x01" if self.random.random() < 0.5 else b""
        data = b"junk" if not self.honest and self.random.random() < 0.1 else b""
        self.send(-1, data, SYN, ack=False, options=b"\x02\x04\x05\xb4" + scale)
        self.send(0, b"", ACK)
        with contextlib.suppress(BlockingIOError):
            self.connection, _ = self.listener.accept()
            self.connection.setblocking(False)

    def say(self, stream: bytes, at: int, length: int, lose: bool = True) -> None:
        """The true bytes, with the urgent pointer wherever they cover the urgent one."""
        data = stream[at : at + length]
        ahead = self.urgent - at + 1
        urgent = ahead if self.urgent >= 0 and 0 < ahead <= len(data) else 0
        self.send(at, data, ACK | (URG if urgent else 0), urgent=urgent, lost=lose and self.random.random() < 0.2)

    def trick(self, stream: bytes) -> None:
        random = self.random
        at = random.choice([random.randrange(len(stream)), self.acked, max(self.acked - 1, 0), len(stream)])
        junk = bytes(random.choice(b"XYZ") for _ in range(random.choice([1, 2, 5, 30])))
        lost = random.random() < 0.5
        {
            "conflict": lambda: self.send(at, junk, lost=lost),
            "new and conflict": lambda: self.send(at, stream[at : at + 3] + junk, lost=lost),
            "keepalive": lambda: self.send(self.acked - 1, junk[:1]),
            "old": lambda: self.send(self.acked - len(junk), junk),
            "badsum": lambda: self.send(at, junk, spoil=True),
            "noack": lambda: self.send(at, junk, PSH, ack=False),
            "badack": lambda: self.send(at, junk, acked=random.choice([1, 5000, 2**31, -1, -70_000])),
            "md5": lambda: self.send(at, junk, options=MD5),
            "paws": lambda: self.send(at, junk, age=random.choice([2, 1000, 2**30])) if self.clock >= 0 else None,
            "unstamped": lambda: self.send(at, junk, age=-1),
            "oow": lambda: self.send(at + random.choice([65_536, 2**20, 2**30, 2**31]), junk),
            "rst": lambda: self.send(self.acked + random.choice([1, 7, 1000, -5, 2**31]), b"", RST | ACK),
            "lost rst": lambda: self.send(self.acked, b"", RST, ack=False, lost=True),
            "fin": lambda: self.send(at + random.randrange(3), b"", FIN | ACK, lost=lost),
            "syn": lambda: self.send(at + random.choice([0, 50, -1000]), b"", SYN, ack=False, lost=lost),
            "syn/ack": lambda: self.send(at, b"", SYN | ACK, lost=lost),
            "urgent": lambda: self.send(at, stream[at : at + 5], ACK | URG, urgent=random.randrange(8), lost=lost),
            "urgent ahead": lambda: self.send(
                at, stream[at : at + 2], ACK | URG, urgent=random.randrange(30), lost=lost
            ),
            "window": lambda: self.send(self.acked, b"", window=random.choice([0, 1])),
        }[random.choice(self.tricks)]()

    tricks = (
        *("conflict", "new and conflict", "keepalive", "old", "badsum", "noack", "badack", "md5", "paws", "unstamped"),
        *("oow", "rst", "lost rst", "fin", "syn", "syn/ack", "urgent", "urgent ahead", "window"),
    )

    def send(
        self,
        at: int,
        data: bytes,
        flags: int = ACK,
        *,
        ack: bool = True,
        acked: int = 0,
        urgent: int = 0,
        age: int = 0,
        lost: bool = False,
        spoil: bool = False,
        **header: Any,
    ) -> None:
        if self.clock >= 0 and age >= 0:
            self.clock += 1
            stamp = struct.pack("!BBBBII", 1, 1, 8, 10, (self.clock - age) % 2**32, 0)
            header["options"] = stamp + header.get("options", b"")
        number = (self.server_isn + 1 + acked) % 2**32 if ack else 0
        packet = tcp_packet(
            CLIENT, self.port, SERVER, PORT, seq=self.isn + 1 + at, ack=number, flags=flags, data=data, **header
        )
        if urgent:
            total = (~int.from_bytes(packet[36:38], "big") & 0xFFFF) + urgent
            packet = packet[:36] + struct.pack("!HH", ~(total + (total >> 16)) & 0xFFFF, urgent) + packet[40:]
        if spoil:
            packet = packet[:36] + bytes([packet[36] ^ 1]) + packet[37:]
        if self.passes(packet, INPUT) and not lost:
            os.write(self.tun, packet)
            self.take_replies()

    def passes(self, data: bytes, hook: int) -> bool:
        self.time += 0.001
        verdict = self.engine.process(decode(data, self.time, hook))
        if verdict.action is ACCEPT:
            return True
        side = "" if hook == INPUT else "server: "
        self.drops[side + verdict.reason] = self.drops.get(side + verdict.reason, 0) + 1
        return False

    def take_replies(self) -> None:
        while True:
            try:
                data = os.read(self.tun, 65536)
            except BlockingIOError:
                return
            reply = decode(data)
            if reply.proto != 6 or reply.dport != self.port or not self.passes(data, OUTPUT):
                continue
            if reply.flags & RST:
                self.reset = True
            elif reply.flags & SYN:
                self.server_isn = reply.seq
            else:
                position = (reply.ack - self.isn - 1) % 2**32
                self.acked = max(self.acked, position) if position < 2**31 else self.acked

    def take(self) -> None:
        if self.connection is None:
            return
        with contextlib.suppress(BlockingIOError, ConnectionResetError):
            while data := self.connection.recv(1000):
                self.read.append(data)


def main() -> None:
    seed, schedules = int(sys.argv[1]), int(sys.argv[2])
    tun = open_tun()
    listener = socket.create_server((SERVER, PORT), backlog=100)
    listener.setblocking(False)
    for number in range(schedules):
        result = Schedule(tun, listener, seed + number, 10_000 + number).run()
        print(json.dumps({"seed": seed + number, **result}))


if __name__ == "__main__":
    main()
