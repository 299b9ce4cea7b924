"""Connections of clients as the cookbook writes them, and what becomes of them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from random import Random

from pywall_core.api import ACCEPT, INPUT, OUTPUT, Packet, decode
from pywall_core.testing import InMemory, conversation, ip_packet
from pywall_core.testing.handovers import client_hello, server_hello

OURS = "198.18.0.1"


def send(lab: InMemory, packets: list[Packet]) -> list[bool]:
    """Whether the last packet of the opener passed."""
    opener = packets[0].hook
    passed = [v.action is ACCEPT for p, v in zip(packets, lab.send(packets), strict=True) if p.hook == opener]
    return [passed[-1]]


def connections(traffic: str) -> Iterator[list[Packet]]:
    """``[on TIME] [4x] in|out tcp|udp|icmp ADDRESS PORT SPEAKS [AGENT]``: each connection's packets."""
    words = traffic.split()
    start = 1_000_000.0
    if words[0] == "on":
        start = datetime.fromisoformat(words[1]).replace(tzinfo=UTC).timestamp()
        words = words[2:]
    count = int(words.pop(0)[:-1]) if words[0].endswith("x") else 1
    way, proto, address, port, speaks, *agent = words
    for number in range(count):
        yield _packets(way, proto, address, int(port), speaks, agent, start + number, 40_000 + number)


def _packets(
    way: str, proto: str, address: str, port: int, speaks: str, agent: list[str], start: float, sport: int
) -> list[Packet]:
    opener, answerer = (INPUT, OUTPUT) if way == "in" else (OUTPUT, INPUT)
    client, server = ((address, sport), (OURS, port)) if way == "in" else ((OURS, sport), (address, port))
    if proto == "icmp":
        raw = ip_packet(client[0], server[0], 1, bytes((8, 0, 0, 0, 0, 1, 0, 1)))
        return [decode(raw, start + at / 1000, opener) for at in range(10 if speaks == "burst" else 1)]
    talk = conversation(client=client, server=server, transport="tcp" if proto == "tcp" else "udp")
    if proto == "tcp" and speaks == "none":
        talk = talk.handshake()
    for said, answered in [] if (proto, speaks) == ("tcp", "none") else _spoken(speaks, agent):
        talk = talk.client(said)
        if answered:
            talk = talk.server(answered)
    if proto == "tcp" and speaks != "none":
        for said, answered in _spoken(speaks, agent):
            talk = talk.client(said).server(answered)
    packets = talk.packets(client_hook=opener, server_hook=answerer)
    shift = start - packets[0].time
    for packet in packets:
        packet.time += shift
    return packets


def _spoken(speaks: str, agent: list[str]) -> list[tuple[bytes, bytes]]:
    what, _, name = speaks.partition(":")
    host, slash, path = name.partition("/")
    if what == "ssh":
        return [(b"SSH-2.0-OpenSSH_9.6\r\n", b"SSH-2.0-OpenSSH_9.2\r\n")]
    if what in ("http", "post"):
        method = "POST" if what == "post" else "GET"
        line = f"{method} /{path if slash else ''} HTTP/1.1\r\nHost: {host}\r\n"
        head = line + (f"User-Agent: {agent[0]}\r\n" if agent else "") + "Content-Length: 0\r\n\r\n"
        return [(head.encode(), b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    if what == "body":
        text = b"a line of text, and another one\n" * 500
        body = text if name == "text" else Random(name).randbytes(16_000)
        head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body)
        return [(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", head + body)]
    if what == "tls":
        return [(client_hello(name), server_hello())]
    if what == "dns":
        question = b"".join(bytes((len(part),)) + part.encode() for part in name.split(".")) + b"\0\0\1\0\1"
        head = bytes.fromhex("1234 0100 0001 0000 0000 0000")
        answer = (
            bytes.fromhex("1234 8180 0001 0001 0000 0000")
            + question
            + bytes.fromhex("c00c 0001 0001 0000003c 0004 c0000207")
        )
        return [(head + question, answer), (head + question, answer)]
    if what == "bt":
        hand = b"\x13BitTorrent protocol" + bytes(8) + bytes(range(40))
        return [(hand, hand)]
    if what == "burst":
        return [(b"x" * 100, b"")] * 20
    return [(b"", b"")]
