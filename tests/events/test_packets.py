"""Packets that were dropped or raised an alert: blocks that others read, in a ring of files that is bounded."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from pywall_core.config import Events, loads
from pywall_core.daemon.kept_packets import KeptPackets
from pywall_core.engine.engine import build_engine
from pywall_core.events import open_sink
from pywall_core.events.packets import PacketRing, file_head, packet_block
from pywall_core.packet.decode import decode
from pywall_core.sources.pcap import read
from pywall_core.testing import udp_packet

PACKET = udp_packet("192.0.2.1", 4000, "198.51.100.2", 53, b"x" * 100)


def until(true: Callable[[], bool], seconds: float = 5.0) -> None:
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)


def packets(path: Path) -> list[bytes]:
    return [data for _, _, data, _ in read(path) if data is not None]


def test_a_block_keeps_packet_time_and_comment(tmp_path: Path) -> None:
    (tmp_path / "one.pcapng").write_bytes(file_head() + packet_block(PACKET, 1_700_000_000.25, "DROP: ünïcode"))
    ((_, seconds, data, _),) = read(tmp_path / "one.pcapng")
    assert (seconds, data) == (1_700_000_000.25, PACKET)
    assert "DROP: ünïcode".encode() in (tmp_path / "one.pcapng").read_bytes()


@pytest.mark.parametrize("files", [1, 3])
def test_the_ring_is_bounded_and_the_oldest_go(tmp_path: Path, files: int) -> None:
    block = packet_block(PACKET, 1.0, "why")
    size = len(file_head()) + 2 * len(block)
    ring = PacketRing(str(tmp_path / "ring.pcapng"), size, files)
    ring.open()
    for number in range(9):  # four whole files and half a one
        assert ring.write(
            [packet_block(udp_packet("192.0.2.1", number, "192.0.2.2", 53), 1.0, "why" + "." * 100)], bool
        )
    ring.close()
    found = sorted(tmp_path.iterdir())
    assert len(found) == files
    assert all(path.stat().st_size <= size and packets(path) for path in found)
    assert decode(packets(tmp_path / "ring.pcapng")[-1]).sport == 8


def test_opening_begins_a_new_file(tmp_path: Path) -> None:
    ring = PacketRing(str(tmp_path / "ring.pcapng"), 10_000, 4)
    for _ in range(2):
        ring.open()
        ring.write([packet_block(PACKET, 1.0, "why")], bool)
    ring.close()
    assert packets(tmp_path / "ring.pcapng") == packets(tmp_path / "ring.pcapng.1") == [PACKET]


def test_drops_and_alerts_of_an_engine_are_kept_with_their_reason(tmp_path: Path) -> None:
    path = tmp_path / "kept.pcapng"
    config = loads(
        f"""\
version: 1
plugins: [rules]
events: {{pcap: {path}}}
chains:
  INPUT:
    - {{rule: port, dst: 53, action: DROP}}
    - {{rule: port, dst: 54, action: DROP, observe: true, comment: odd}}
    - {{rule: port, dst: 55, action: ACCEPT}}
""".encode(),
        "p.yaml",
    )
    sink = open_sink(config.events)
    assert not sink.active
    assert sink.keeps_packets
    engine = build_engine(config, live=True, sink=None)
    processor = KeptPackets(engine, sink.keep_packet)
    sent = [udp_packet("192.0.2.1", 4000, "198.51.100.2", port) for port in (53, 53, 54, 55)]
    for number, data in enumerate(sent):
        processor.process(decode(data, float(number)))
    until(lambda: sink.stats()["packets_written"] == 3)
    engine.close()
    sink.close()
    assert packets(path) == sent[:3]
    for comment in (b"DROP by port dst=53 (", b"alert: odd"):
        assert comment in path.read_bytes()


def test_each_worker_has_a_ring_of_its_own(tmp_path: Path) -> None:
    events = Events.model_validate({"pcap": {"file": str(tmp_path / "kept.pcapng"), "megabytes": 1, "files": 2}})
    sinks = [open_sink(events, worker=worker) for worker in (0, 1)]
    for one in sinks:
        one.close()
    assert {path.name for path in tmp_path.iterdir()} == {"kept.pcapng", "kept.pcapng.worker1"}


def test_a_folder_that_is_missing_loses_packets_and_nothing_else(tmp_path: Path) -> None:
    sink = open_sink(Events.model_validate({"pcap": str(tmp_path / "no" / "kept.pcapng")}))
    sink.keep_packet(PACKET, "why")
    until(lambda: sink.stats()["packets_lost"] == 1)
    sink.close()
