"""What tracking costs: one more in-order data segment of a known connection, beside decoding its headers.

``pytest plugins/stream/tests/bench_stream.py --benchmark-only``. An acknowledgement of the other side after every
second segment is part of the figure, as delayed acknowledgements are (RFC 9293 section 3.8.6.3).
"""

from __future__ import annotations

import dpkt
import pytest
from pywall_stream.plugin import Stream

from pywall_core.api import ACCEPT, ACK, Packet, Verdict, decode
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.plugins.loader import assemble
from pywall_core.testing import make_flow, tcp_packet

pytest.importorskip("pytest_benchmark")

CLIENT = "192.0.2.1", 40000
SERVER = "198.51.100.2", 443
STAMP = b"\x01\x01\x08\x0a\x00\x00\x10\x00\x00\x00\x10\x00"
ROUNDS = 2000


def segments(size: int) -> list[bytes]:
    data = bytes(range(256)) * 8
    made = []
    for number in range(ROUNDS):
        at = 1001 + number * size
        made.append(tcp_packet(*CLIENT, *SERVER, seq=at, ack=5001, data=data[:size], options=STAMP))
        if number % 2:
            made.append(tcp_packet(*SERVER, *CLIENT, seq=5001, ack=at + size, options=STAMP))
    return made


@pytest.fixture(params=[1448, 100, 1], ids=lambda size: f"{size}-bytes")
def frames(request):
    return segments(request.param)


def test_bench_decode(benchmark, frames):
    benchmark(lambda: [decode(frame) for frame in frames])


def test_bench_dpkt(benchmark, frames):
    benchmark(lambda: [dpkt.ip.IP(frame) for frame in frames])


@pytest.mark.parametrize("looked_at", [True, False], ids=["looked-at", "detected"])
def test_bench_track(benchmark, frames, looked_at):
    """``looked-at``: bytes are checked, kept and compared; ``detected``: no plugin looks at them any more."""
    accepted = Verdict(ACCEPT)

    def setup():
        stream = Stream()
        if not looked_at:
            config = Config.model_validate({"version": 1})
            Engine(config, assemble(config, [("stream", stream)]), live=True)
        flow = make_flow(client_state="CLOSED", server_state="CLOSED", detect_done=True)

        def packet(*args, **header) -> Packet:
            made = decode(tcp_packet(*args, options=STAMP + header.pop("more", b""), **header))
            made.to_server = args[0] == CLIENT[0]
            return made

        packets = [
            packet(*CLIENT, *SERVER, seq=1000, flags=2, more=b"\x03\x03\x07\x01"),
            packet(*SERVER, *CLIENT, seq=5000, ack=1001, flags=18, more=b"\x03\x03\x07\x01"),
            packet(*CLIENT, *SERVER, seq=1001, ack=5001, flags=ACK),
        ]
        for each in packets:
            assert stream.pywall_packet(each, flow) is None
            stream.pywall_decided(each, flow, accepted)
        assert flow.tcp.client_state == flow.tcp.server_state == "ESTABLISHED"
        packets = [decode(frame) for frame in frames]
        for each in packets:
            each.to_server = each.sport == CLIENT[1]
        return (stream, flow, packets), {}

    def track(stream, flow, packets):
        for packet in packets:
            stream.pywall_packet(packet, flow)
            stream.pywall_decided(packet, flow, accepted)
        assert stream.pywall_stats()["buffered"] == 0

    benchmark.pedantic(track, setup=setup, rounds=20)
