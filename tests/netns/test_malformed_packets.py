"""Malformed, mutated and strange packets through a real queue: each gets a verdict, nothing ends, the policy holds."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pywall_core.api import ACK, FIN, PSH, RST, SYN, URG
from pywall_core.sources.pcap import CaptureError, read
from pywall_core.testing import fragment, ip_packet, tcp_packet, udp_packet

MEMORY = 64 << 20
POLICY = """
    version: 1
    queue: {number: 7, offload: false}
    plugins: [rules, stream: {checksum: "%s"}, protocols]
    chains:
      INPUT:
        - {rule: port, protocol: tcp, dst: 8001, action: DROP}
        - {rule: app, is: [ssh, openvpn], action: DROP}
    default: ACCEPT
    """
Until = Callable[..., None]


@pytest.fixture
def send(lab: Any, until: Until) -> Callable[..., dict[str, Any]]:
    """Run the firewall, send packets, check what has to hold, return its counters. Without the check of checksums they
    get further in."""

    def run(packets: list[bytes], *, rate: float = 2500, checksum: str = "off") -> dict[str, Any]:
        for port in (8000, 8001):
            lab.fw.echo_server(port)
            lab.fw.echo_server(port, lab.FW6)
        firewall = lab.run(POLICY % checksum)
        assert lab.peer.echo(lab.FW, 8000) == "ok"
        workers, idle = firewall.workers(), firewall.resident()
        lab.send_frames(packets, rate)
        until(lambda: firewall.ask("status")["queues"]["7"]["waiting"] == 0, 60, "every packet has a verdict")
        status, stats = firewall.ask("status"), firewall.ask("stats")["stats"]
        print(f"{stats['packets']} packets, {firewall.resident() - idle >> 20} MiB, losses {stats['losses']}")
        assert firewall.workers() == workers
        assert status["restarts"] == 0
        queue = status["queues"]["7"]
        assert stats["packets"] == sum(stats["verdicts"].values())
        assert stats["packets"] >= queue["packets"] - queue["dropped_full"] - queue["dropped_user"] - 50
        assert stats["queue"]["failed"] == 0
        assert stats["failures"] == {}
        assert firewall.resident() - idle < MEMORY
        for host in (lab.FW, lab.FW6):
            assert lab.peer.echo(host, 8000) == "ok"
            assert lab.peer.echo(host, 8001, timeout=0.7) == "TimeoutError"
        assert "Traceback" not in firewall.log()
        return dict(stats)

    return run


def ipv4_fixed(packet: bytes) -> bytes:
    """With the header's checksum made right, as the kernel wants it before anybody sees the packet."""
    size = (packet[0] & 15) * 4
    if packet[0] >> 4 != 4 or size < 20 or size > len(packet):
        return packet
    head = packet[:10] + b"\0\0" + packet[12:size]
    total = sum(struct.unpack(f"!{size // 2}H", head))
    total = (total & 0xFFFF) + (total >> 16)
    return packet[:10] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + packet[12:]


def conversations(lab: Any) -> Iterator[bytes]:
    """One good packet of each sort, for both versions."""
    request = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
    hello = bytes.fromhex("160301002f0100002b0303") + bytes(32) + bytes.fromhex("00000213010100")
    for peer, own in ((lab.PEER, lab.FW), (lab.PEER6, lab.FW6)):
        yield tcp_packet(peer, 4000, own, 8000, seq=1, flags=SYN, options=bytes.fromhex("020405b40402080a000000010000"))
        yield tcp_packet(peer, 4000, own, 8000, seq=2, ack=1, flags=ACK | PSH, data=hello)
        yield tcp_packet(peer, 4000, own, 8000, seq=2, ack=1, flags=ACK | PSH, data=request)
        yield tcp_packet(peer, 4000, own, 8000, seq=9, ack=1, flags=ACK | FIN | URG, data=b"SSH-2.0-x\r\n")
        yield tcp_packet(peer, 4000, own, 8000, seq=9, flags=RST)
        yield udp_packet(peer, 4001, own, 53, bytes.fromhex("123401000001000000000000016103636f6d0000010001"))
        yield udp_packet(peer, 4001, own, 1194, b"\x38" + bytes(20))
        yield udp_packet(peer, 4001, own, 443, b"\xc3\0\0\0\x01\x08" + bytes(1200))
        yield udp_packet(peer, 4001, own, 5060, b"OPTIONS sip:a SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n")
        yield from fragment(udp_packet(peer, 4002, own, 9, bytes(200)), 64)
        for proto in (0, 41, 43, 47, 50, 51, 60, 132, 253):
            yield ip_packet(peer, own, proto, bytes(range(64)))
    echo = bytes.fromhex("0800000012340001")
    quoted = udp_packet(lab.FW, 8000, lab.PEER, 4003, b"x")
    yield ip_packet(lab.PEER, lab.FW, 1, echo)
    yield ip_packet(lab.PEER, lab.FW, 1, bytes.fromhex("0303000000000000") + quoted)
    yield ip_packet(lab.PEER6, lab.FW6, 58, bytes.fromhex("8000000012340001"))


def test_mal_synth(lab: Any, send: Any) -> None:
    """Every length field at its borders, every cut, chains of extension headers, options without end."""
    packets: list[bytes] = []
    for good in conversations(lab):
        header = 40 if good[0] >> 4 == 6 else 20
        packets += [ipv4_fixed(good[:at]) for at in range(header, min(len(good), header + 48), 3)]
        for size in (0, 1, 19, 20, 39, len(good) - 1, len(good) + 1, 65535):
            at = 4 if header == 40 else 2
            packets.append(ipv4_fixed(good[:at] + size.to_bytes(2, "big") + good[at + 2 :]))
        for value in (0x00, 0x10, 0x40, 0x50, 0xF0):
            packets.append(good[: header + 12] + bytes([value]) + good[header + 13 :])
        for size in (0, 7, 8, 9, 65535):
            packets.append(good[: header + 4] + size.to_bytes(2, "big") + good[header + 6 :])
        if header == 20:
            packets += [ipv4_fixed(bytes([0x40 | words]) + good[1:]) for words in range(16)]
    for chain in (1, 8, 9, 100, 180):
        for kind in (0, 43, 60):
            links = bytes([kind, 0, 1, 4, 0, 0, 0, 0]) * (chain - 1) + bytes([6, 0, 1, 4, 0, 0, 0, 0])
            tcp = tcp_packet(lab.PEER6, 4000, lab.FW6, 8000, seq=1, flags=SYN)[40:]
            packets.append(ip_packet(lab.PEER6, lab.FW6, kind, links + tcp))
            packets.append(ip_packet(lab.PEER6, lab.FW6, kind, links[:-8] + bytes([6, 255, 1, 4, 0, 0, 0, 0])))
    for option in range(256):
        for size in (0, 1, 2, 40):
            packets.append(
                tcp_packet(lab.PEER, 4000, lab.FW, 8000, seq=1, flags=SYN, options=bytes([option, size]) + bytes(38))
            )
    assert len(packets) >= 2300
    stats = send(packets, checksum="auto")
    assert stats["packets"] > 1500  # the kernel keeps the rest for itself: wrong IP versions and lengths
    assert sum(n for cause, n in stats["losses"].items() if cause.startswith("decoder.")) > 100


def mutated(seeds: list[bytes], number: int, random: Random) -> Iterator[bytes]:
    """Flipped bits, changed bytes, cuts, insertions and splices; addresses stay, so that they arrive."""
    for _ in range(number):
        packet = bytearray(random.choice(seeds))
        fixed = 40 if packet[0] >> 4 == 6 else 20
        for _ in range(random.choice((1, 1, 2, 4, 16))):
            at = (
                random.randrange(fixed, max(len(packet), fixed + 1))
                if random.random() < 0.8
                else random.randrange(4, 9)
            )
            what = random.randrange(5)
            if what == 0 and at < len(packet):
                packet[at] ^= 1 << random.randrange(8)
            elif what == 1 and at < len(packet):
                packet[at] = random.choice((0, 1, 0x7F, 0x80, 0xFF, random.randrange(256)))
            elif what == 2 and at >= fixed:
                del packet[at : at + random.randrange(1, 40)]
            elif what == 3 and at >= fixed:
                packet[at:at] = random.randbytes(random.randrange(1, 40))
            elif what == 4 and at >= fixed:
                packet[at:] = random.choice(seeds)[fixed:]
        del packet[1400:]
        if random.random() < 0.8:
            at, size = (4, len(packet) - 40) if fixed == 40 else (2, len(packet))
            packet[at : at + 2] = size.to_bytes(2, "big")
        yield ipv4_fixed(bytes(packet))


def test_mal_fuzz(lab: Any, send: Any) -> None:
    """20,000 mutated packets that reach the queue; the kernel keeps a part of what is sent for itself."""
    seeds = list(conversations(lab))
    stats = send(list(mutated(seeds, 30_000, Random(4))))
    assert stats["packets"] > 20_000


@pytest.mark.slow
@pytest.mark.captures
def test_mal_captures(lab: Any, send: Any, captures_folder: Path) -> None:
    """All captures, malformed ones too, readdressed so that they come to this host."""
    packets: list[bytes] = []
    files = sorted(path for path in captures_folder.rglob("*.pcap*") if path.stat().st_size < 100_000)
    for path in files:
        try:
            for _, _, packet, _ in read(path):
                packets += readdressed(lab, packet or b"")
        except CaptureError:
            continue
    print(f"{len(files)} captures, {len(packets)} packets")
    assert len(packets) > 20_000
    stats = send(packets)
    assert stats["packets"] > 20_000


def readdressed(lab: Any, packet: bytes) -> list[bytes]:
    """The packet from the peer to the firewall, if it is IP and fits the link."""
    from ipaddress import ip_address

    version = packet[0] >> 4 if packet else 0
    if version == 4 and 20 <= len(packet) <= 1500:
        ends = ip_address(lab.PEER).packed + ip_address(lab.FW).packed
        return [ipv4_fixed(packet[:12] + ends + packet[20:])]
    if version == 6 and 40 <= len(packet) <= 1500:
        return [packet[:8] + ip_address(lab.PEER6).packed + ip_address(lab.FW6).packed + packet[40:]]
    return []
