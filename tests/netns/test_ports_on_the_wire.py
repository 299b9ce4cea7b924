"""Ports that are hard to see: in fragments, behind extension headers, in large datagrams; what default DROP closes."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from pywall_core.testing import fragment, ip_packet, tcp_packet, udp_packet

POLICY = """
    version: 1
    queue: {number: 7}
    plugins: [rules]
    chains:
      INPUT:
        - {rule: port, protocol: udp, dst: 8001, action: DROP}
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
    default: ACCEPT
    """
#: counts datagrams by their content
SINK = """
    import collections
    s = socket.socket(address(sys.argv[1]), socket.SOCK_DGRAM)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    s.bind((sys.argv[1], int(sys.argv[2])))
    s.settimeout(float(sys.argv[3]))
    print("ready", flush=True)
    got = []
    try:
        while True:
            got.append(s.recv(65536)[:20].decode(errors="replace"))
    except TimeoutError:
        print(*got, sep=",")
    """
Until = Callable[..., None]


def sink(lab: Any, host: str, port: int, seconds: float = 2.5) -> Any:
    process = lab.fw.python(SINK, host, port, seconds)
    assert process.stdout.readline() == "ready\n"
    return process


def got(process: Any) -> set[str]:
    return set(filter(None, process.communicate(timeout=30)[0].strip().split(",")))


def behind(datagram: bytes, *chain: tuple[int, bytes]) -> bytes:
    """An IPv6 packet with extension headers (kind, header without its next-header byte) put in."""
    payload, proto = datagram[40:], datagram[6]
    for kind, rest in reversed(chain):
        payload, proto = bytes([proto]) + rest + payload, kind
    return datagram[:4] + struct.pack("!HB", len(payload), proto) + datagram[7:40] + payload


PAD = b"\0\x01\x04" + bytes(4)
#: type 0 with no segments left, of one address
ROUTING = b"\x02\x00\x00" + bytes(4) + bytes(16)
ATOMIC = b"\0\0\0" + b"atom"
CHAINS: dict[str, tuple[tuple[int, bytes], ...]] = {
    "plain": (),
    "hop_by_hop": ((0, PAD),),
    "destination": ((60, PAD),),
    "routing": ((43, ROUTING),),
    "atomic": ((44, ATOMIC),),
    "several": ((0, PAD), (60, PAD), (43, ROUTING), (60, PAD)),
    "several_and_atomic": ((0, PAD), (60, PAD), (44, ATOMIC), (60, PAD)),
    "long_options": ((60, b"\x03\x1e\x1c" + bytes(28)), (60, b"\x03\x1e\x1c" + bytes(28))),
}


def test_port_behind_extension_headers(lab: Any) -> None:
    def packets(port: int) -> list[bytes]:
        return [
            behind(udp_packet(lab.PEER6, 4000 + n, lab.FW6, port, name.encode()), *chain)
            for n, (name, chain) in enumerate(CHAINS.items())
        ]

    server = sink(lab, lab.FW6, 8001)
    lab.send_frames(packets(8001))
    assert got(server) == set(CHAINS), "each of them reaches a server where nobody filters"
    lab.run(POLICY)
    servers = {port: sink(lab, lab.FW6, port) for port in (8000, 8001)}
    lab.send_frames(packets(8000) + packets(8001))
    assert got(servers[8001]) == set()
    assert got(servers[8000]) == set(CHAINS)


def fragments(lab: Any, port: int) -> dict[str, list[bytes]]:
    """Datagrams in pieces, by name; what is to arrive of them begins with that name."""
    made: dict[str, list[bytes]] = {}
    for version, (peer, own) in {"4": (lab.PEER, lab.FW), "6": (lab.PEER6, lab.FW6)}.items():

        def pieces(name: str, size: int, *, version: str = version, peer: str = peer, own: str = own) -> list[bytes]:
            text = f"{name}{version}".encode().ljust(20) + bytes(100)
            sport = 5000 + len(made)
            return fragment(udp_packet(peer, sport, own, port, text), size, ident=port + len(made))

        made[f"small{version}"] = pieces("small", 8)
        made[f"big{version}"] = pieces("big", 64)
        made[f"reverse{version}"] = pieces("reverse", 8)[::-1]
        made[f"last_first{version}"] = sorted(pieces("last_first", 64), key=len)
        made[f"twice{version}"] = [piece for piece in pieces("twice", 64) for _ in range(2)]
    return made


def test_port_in_fragments(lab: Any) -> None:
    expected = {4: set(), 6: set()}
    server = {8: sink(lab, lab.FW, 8001), 16: sink(lab, lab.FW6, 8001)}
    for pieces in fragments(lab, 8001).values():
        lab.send_frames(pieces)
    open_to = {name.strip() for process in server.values() for name in got(process)}
    assert {f"{kind}{version}" for kind in ("small", "big", "reverse") for version in expected} <= open_to
    lab.run(POLICY)
    sinks = {(host, port): sink(lab, host, port, 4) for host in (lab.FW, lab.FW6) for port in (8000, 8001)}
    for port in (8000, 8001):
        for pieces in fragments(lab, port).values():
            lab.send_frames(pieces)
    arrived = {port: {n.strip() for host in (lab.FW, lab.FW6) for n in got(sinks[host, port])} for port in (8000, 8001)}
    assert arrived[8001] == set()
    assert arrived[8000] == open_to


def test_port_in_overlapping_fragments(lab: Any) -> None:
    """The same fragment twice, with a forbidden and an allowed port, in both orders: the forbidden one stays closed."""
    lab.run(POLICY)
    sinks = [sink(lab, host, 8001) for host in (lab.FW, lab.FW6)]
    packets: list[bytes] = []
    for n, (peer, own) in enumerate([(lab.PEER, lab.FW), (lab.PEER6, lab.FW6)] * 4):
        bad, good = (
            fragment(udp_packet(peer, 6000 + n, own, port, b"overlap".ljust(40)), 16, ident=700 + n)
            for port in (8001, 8000)
        )
        orders = ([bad[0], good[0], *bad[1:]], [good[0], bad[0], *good[1:]], [*bad[1:], good[0], bad[0]], [*good, *bad])
        packets += orders[n // 2]
    lab.send_frames(packets)
    assert [got(process) for process in sinks] == [set(), set()]


@pytest.mark.parametrize("offload", ["true", "false"])
def test_port_large_udp(lab: Any, offload: str) -> None:
    """8,000 bytes in a datagram, there and back, each as it was sent; a forbidden port does not take them."""
    lab.run(
        POLICY.replace("{number: 7}", f"{{number: 7, offload: {offload}}}").replace(
            "plugins:", "failure: {truncated: pass-packet}\n    plugins:"
        )
    )
    for host in (lab.FW, lab.FW6):
        for port in (8000, 8001):
            lab.fw.echo_server(port, host, "udp")
        for port, answer in ((8000, "exact"), (8001, "TimeoutError")):
            assert lab.peer.ask(LARGE, host, port) == answer


LARGE = """
    import random
    s = socket.socket(address(sys.argv[1]), socket.SOCK_DGRAM)
    s.settimeout(1); s.connect((sys.argv[1], int(sys.argv[2])))
    try:
        for n in range(5):
            data = random.randbytes(8000)
            s.send(data)
            assert s.recv(65536) == data
        print("exact")
    except TimeoutError as error:
        print(type(error).__name__)
    """


def test_port_large_udp_by_a_policy_of_addresses_needs_no_switch(lab: Any) -> None:
    """A datagram that the queue cuts is only undecidable where a rule asks for its content."""
    lab.run(POLICY)
    lab.fw.echo_server(8000, lab.FW, "udp")
    assert lab.peer.ask(LARGE, lab.FW, 8000) == "exact"


def test_legit_integrity(lab: Any) -> None:
    """19 MB through every hook and detector, byte for byte, with and without the kernel carrying the connection."""
    size = 19_000_000
    data = Random(3).randbytes(1 << 20)
    expected = hashlib.sha256((data * (size // len(data) + 1))[:size]).hexdigest()
    (lab.folder / "data").write_bytes(data)
    policy = POLICY.replace("[rules]", "[rules, stream, protocols]").replace(
        "- {rule: port, protocol: udp", "- {rule: app, is: ssh, action: DROP}\n        - {rule: port, protocol: udp"
    )
    for queue in ("{number: 7}", "{number: 7, offload: false}"):
        firewall = lab.run(policy.replace("{number: 7}", queue))
        server = lab.fw.python(
            """
            import hashlib
            s = socket.create_server(("0.0.0.0", 8000)); print("ready", flush=True)
            c, _ = s.accept(); digest = hashlib.sha256()
            while data := c.recv(1 << 20):
                digest.update(data)
            print(digest.hexdigest())
            """
        )
        assert server.stdout.readline() == "ready\n"
        lab.peer.ask(
            """
            data = open(sys.argv[3], "rb").read(); size = int(sys.argv[2])
            s = socket.create_connection((sys.argv[1], 8000), timeout=60)
            s.sendall((data * (size // len(data) + 1))[:size]); s.shutdown(socket.SHUT_WR); s.recv(1)
            """,
            lab.FW,
            size,
            lab.folder / "data",
            timeout=90,
        )
        assert server.communicate(timeout=60)[0].strip() == expected
        assert firewall.stop() == 0


DROP = """
    version: 1
    queue: {number: 7}
    plugins: [rules]
    chains:
      INPUT:
        - {rule: flow, initiator: local, action: ACCEPT}
        - {rule: port, protocol: tcp, dst: 8000, action: ACCEPT}
    default: {INPUT: DROP}
    """


def test_default_drop_leaves_ipv6_alive(lab: Any) -> None:
    """After flushed neighbour caches on both sides, the allowed port works and the others stay closed."""
    for host in (lab.FW, lab.FW6):
        for port in (8000, 8002):
            lab.fw.echo_server(port, host)
    lab.peer.echo_server(8003, lab.PEER6)
    lab.run(DROP)
    for _ in range(2):
        lab.peer.run("ip -6 neigh flush dev peer0; ip neigh flush dev peer0")
        lab.fw.run("ip -6 neigh flush dev fw0; ip neigh flush dev fw0")
        for host in (lab.FW, lab.FW6):
            assert lab.peer.echo(host, 8000) == "ok"
            assert lab.peer.echo(host, 8002, timeout=0.7) == "TimeoutError"
    assert lab.fw.echo(lab.PEER6, 8003) == "ok"


def test_default_drop_lets_packet_too_big_through(lab: Any) -> None:
    """Path MTU discovery: a router's error about a connection of ours comes in under a default of DROP (RFC 4890)."""
    server = lab.add_server()
    server.echo_server(8003, lab.SERVER6)
    lab.fw.run("ip link set fw1 mtu 1280")
    lab.peer.echo_server(8000, lab.PEER6)
    lab.fw, lab.peer = lab.peer, lab.fw  # the firewall stands on the host behind the router
    try:
        lab.run(DROP)
        answer = lab.fw.ask(
            """
            s = socket.create_connection((sys.argv[1], 8003), timeout=5)
            sent = b"x" * 20000
            s.sendall(sent)
            back = b""
            while len(back) < len(sent):
                back += s.recv(65536)
            print("ok" if back == sent else "broken")
            """,
            lab.SERVER6,
        )
        assert answer == "ok"
        assert "mtu 1280" in lab.fw.run(f"ip -6 route get {lab.SERVER6}")
    finally:
        lab.fw, lab.peer = lab.peer, lab.fw


RAW = """
    s = socket.socket(address(sys.argv[1]), socket.SOCK_RAW, int(sys.argv[2]))
    s.bind((sys.argv[1], 0)); s.settimeout(2.5); print("ready", flush=True)
    try:
        s.recv(2000); print("came")
    except TimeoutError:
        print("nothing")
    """


@pytest.mark.parametrize(("default", "answer"), [("ACCEPT", "came"), ("DROP", "nothing")])
def test_default_other_proto(lab: Any, default: str, answer: str) -> None:
    """ESP, AH, SCTP and protocols without a name follow the default."""
    firewall = lab.run(DROP.replace("{INPUT: DROP}", default))
    numbers = (50, 51, 132, 253)
    packets: list[bytes] = []
    listeners = []
    for peer, own in ((lab.PEER, lab.FW), (lab.PEER6, lab.FW6)):
        for number in numbers:
            if not (number == 51 and ":" in own):  # AH is an extension header there: what follows it decides
                listeners.append(lab.fw.python(RAW, own, number))
            packets.append(ip_packet(peer, own, number, bytes(range(40))))
        packets.append(tcp_packet(peer, 1, own, 2, seq=1)[: 40 if ":" in own else 20])
    for listener in listeners:
        assert listener.stdout.readline() == "ready\n"
    workers = firewall.workers()
    lab.send_frames(packets)
    assert [listener.communicate(timeout=20)[0].strip() for listener in listeners] == [answer] * len(listeners)
    assert firewall.workers() == workers
    assert "Traceback" not in firewall.log()
