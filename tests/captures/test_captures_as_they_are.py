"""A conversation keeps its name however a capture shows it: ways of SPAN ports, several interfaces, network cards."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from itertools import pairwise
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pywall_core.api import ACK, SYN, Packet, decode
from pywall_core.offline.replay import Hooks, replay
from pywall_core.testing import Conversation, conversation, engine, tcp_packet, write_pcap
from pywall_core.testing.captures import conversations_in

Frames = list[tuple[float, bytes]]
PLUGINS = {"plugins": ["rules", "stream", "protocols"]}
DATA = Path(__file__).parents[1] / "data"
HEAD = b"GET /index.html HTTP/1.1\r\nHost: www.example.org\r\nUser-Agent: test\r\nAccept: */*\r\n\r\n"
BODY = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello"
TALKS: dict[str, Conversation] = {
    "http": conversation().client(HEAD[:30]).client(HEAD[30:]).server(BODY[:40]).server(BODY[40:]).close(),
    "smtp": conversation()
    .server(b"220 mail.example.org ESMTP\r\n")
    .client(b"EHLO a.example\r\n")
    .server(b"250-mail.example.org\r\n250 HELP\r\n")
    .client(b"MAIL FROM:<a@a.example>\r\n")
    .server(b"250 OK\r\n"),
    "ssh": conversation().server(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n").client(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    "redis": conversation().client(b"*2\r\n$3\r\nGET\r\n$1\r\na\r\n").server(b"$5\r\nhello\r\n"),
}


def is_data(frame: bytes) -> bool:
    packet = decode(frame, 0.0, 1)
    return packet.end > packet.start


def acks_before_data(frames: Frames) -> Frames:
    """Each segment with content is acknowledged, and the acknowledgement is written before it."""
    out: Frames = []
    for time, frame in frames:
        packet = decode(frame, 0.0, 1)
        if packet.end > packet.start:
            mine, theirs = ends(packet)
            end = packet.seq + packet.end - packet.start
            out.append((time, tcp_packet(*theirs, *mine, seq=packet.ack, ack=end, flags=ACK)))
        out.append((time, frame))
    return out


def twice(frames: Frames) -> Frames:
    """Two interfaces write the same packets."""
    return [frame for frame in frames for _ in range(2)]


def twice_but_late(frames: Frames) -> Frames:
    """The second interface writes each packet after the first has written the next one."""
    out = frames[:1]
    for one, two in pairwise(frames):
        out += [two, one]
    return [*out, frames[-1]]


def neighbours_swapped(frames: Frames) -> Frames:
    """Segments of one side that follow each other change places."""
    out = list(frames)
    for at in range(len(out) - 1):
        one, two = (decode(frame, 0.0, 1) for _, frame in out[at : at + 2])
        if one.src == two.src and one.end > one.start and two.end > two.start:
            out[at], out[at + 1] = (out[at][0], out[at + 1][1]), (out[at + 1][0], out[at][1])
    return out


def checksums_left_to_the_card(frames: Frames) -> Frames:
    """What the client sends has the sum of the pseudo-header for a checksum."""
    out: Frames = []
    for time, frame in frames:
        packet = decode(frame, 0.0, 1)
        raw = bytearray(frame)
        if packet.dport == 80 or packet.src == decode(frames[0][1], 0.0, 1).src:
            total = sum(int.from_bytes((packet.src + packet.dst)[at : at + 2], "big") for at in range(0, 8, 2))
            total += 6 + packet.end - packet.l4
            total = (total & 0xFFFF) + (total >> 16)
            raw[packet.l4 + 16 : packet.l4 + 18] = pack("!H", total)
        out.append((time, bytes(raw)))
    return out


VARIANTS: dict[str, Callable[[Frames], Frames]] = {
    each.__name__: each
    for each in (acks_before_data, twice, twice_but_late, neighbours_swapped, checksums_left_to_the_card)
}


def named(frames: Frames) -> list[str]:
    lab = engine(PLUGINS)
    lab.send([decode(frame, time, 1) for time, frame in frames])
    lab.close()
    return [event["app_proto"] for event in lab.of_type("flow")]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("name", TALKS)
def test_each_way_alone(name: str, variant: str) -> None:
    assert named(VARIANTS[variant](TALKS[name].frames())) == [name]


@settings(max_examples=60, deadline=None, suppress_health_check=[*HealthCheck])
@given(st.sampled_from(sorted(TALKS)), st.lists(st.sampled_from(sorted(VARIANTS)), max_size=3))
def test_several_at_once(name: str, variants: list[str]) -> None:
    frames = TALKS[name].frames()
    for variant in variants:
        frames = VARIANTS[variant](frames)
    assert named(frames) == [name]


@pytest.mark.parametrize("to_server", [True, False])
@pytest.mark.parametrize("reordered", [True, False])
@pytest.mark.parametrize("name", ["http", "ssh"])
def test_one_direction_alone(name: str, reordered: bool, to_server: bool) -> None:
    frames = TALKS[name].frames()
    client = decode(frames[0][1], 0.0, 1).src
    frames = [each for each in frames if (decode(each[1], 0.0, 1).src == client) is to_server]
    assert named(neighbours_swapped(frames) if reordered else frames) == [name]


@pytest.mark.parametrize("garbage", [b"", b"\0"])
@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize("name", ["http", "redis"])
def test_a_keep_alive_before_the_middle_of_a_connection(name: str, answered: bool, garbage: bytes) -> None:
    frames = TALKS[name].frames()
    packets = [decode(frame, time, 1) for time, frame in frames]
    first = next(packet for packet in packets if packet.end > packet.start)
    middle = [frame for (_, frame), packet in zip(frames, packets, strict=True) if not packet.flags & SYN][1:]
    mine, theirs = ends(first), ends(first)[::-1]
    before = [tcp_packet(*mine[0], *mine[1], seq=first.seq - 1, ack=first.ack, data=garbage)]
    if answered:
        before.append(tcp_packet(*theirs[0], *theirs[1], seq=first.ack, ack=first.seq, flags=ACK))
    assert named([(float(at), frame) for at, frame in enumerate([*before, *middle], 1)]) == [name]


def ends(packet: Packet) -> tuple[tuple[str, int], tuple[str, int]]:
    return (str(ip_address(packet.src)), packet.sport), (str(ip_address(packet.dst)), packet.dport)


@pytest.mark.parametrize(
    "tags", [(b"\x81\0\0\7", b""), (b"", b"\x81\0\0\7"), (b"\x88\xa8\0\1\x81\0\0\7", b"\x81\0\0\x08")]
)
@pytest.mark.parametrize("name", TALKS)
def test_a_vlan_on_one_side_or_another_on_each(tmp_path: Path, name: str, tags: tuple[bytes, bytes]) -> None:
    frames = TALKS[name].frames()
    client = decode(frames[0][1], 0.0, 1).src
    path = tmp_path / "vlan.pcap"
    tagged = [
        (time, bytes(12) + tags[decode(frame, 0.0, 1).src != client] + b"\x08\0" + frame) for time, frame in frames
    ]
    write_pcap(path, tagged, linktype=1)
    assert [each["app_proto"] for each in replayed(path)] == [name]


def replayed(path: Path) -> list[dict[str, Any]]:
    lab = engine(PLUGINS)
    replay(lab.engine, path, Hooks())
    lab.close()
    return lab.of_type("flow")


def test_recordings_keep_their_names_as_well(captures_folder: Path) -> None:
    """Those of this repository's set whose first conversation is TCP, each shown in every way."""
    tried = 0
    for path in sorted(captures_folder.glob("zeek/*.pcap"))[::9]:
        talks = [talk for talk in conversations_in(path) if talk.transport == "tcp"][:1]
        for talk in talks:
            frames = talk.frames()
            plain = named(frames)
            if plain in (["none"], ["unknown"]):
                continue
            tried += 1
            for variant in (twice, acks_before_data):
                assert named(variant(frames)) == plain, (path, variant.__name__)
    assert tried > 5
