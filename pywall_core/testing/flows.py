"""A flow without an engine, for tests of detectors, classifiers and rule kinds."""

from __future__ import annotations

from typing import Any

from ..decode import reverse_key
from ..types import ACCEPT, INPUT, TCP, Flow, Packet, Verdict


class _Nobody:
    """Stands for the engine where there is none: announcements of related flows are written down."""

    def __init__(self) -> None:
        self.expected: list[tuple[Any, ...]] = []

    def expect(self, flow: Flow, *announcement: Any) -> None:
        self.expected.append(announcement)


def make_flow(packet: Packet | None = None, *, proto: int = TCP, **attributes: Any) -> Flow:
    """A new flow as its first packet would make it; ``attributes`` are set on it afterwards.

    Announcements by ``flow.expect`` are kept in ``flow.engine.expected``.
    """
    flow = Flow()
    flow.id = 1
    flow.version, flow.proto = (packet.version, packet.proto) if packet else (4, proto)
    flow.src, flow.dst = (packet.src, packet.dst) if packet else (bytes([192, 0, 2, 1]), bytes([198, 51, 100, 2]))
    flow.sport, flow.dport = (packet.sport, packet.dport) if packet else (40000, 443)
    ports = flow.sport.to_bytes(2, "big") + flow.dport.to_bytes(2, "big")
    flow.key = packet.key if packet else bytes([proto]) + flow.src + flow.dst + ports
    flow.rkey = reverse_key(flow.key)
    flow.hook = packet.hook if packet else INPUT
    flow.initiator = "remote"
    flow.reversed = flow.confirmed = flow.detect_done = flow.opaque = False
    flow.start = flow.last = packet.time if packet else 0.0
    flow.pkts_toserver = flow.pkts_toclient = flow.bytes_toserver = flow.bytes_toclient = 0
    flow.app_proto = flow.app_proto_orig = flow.expected = None
    flow.facts = {}
    flow.client = flow.server = b""
    flow.client_sizes = flow.server_sizes = ()
    flow.tracker = flow.ext = None
    flow.client_state = flow.server_state = ""
    flow.state = flow.share = "new"
    flow.timeout = 30.0
    flow.closed = flow.unacked = flow.midstream = False
    flow.match = None
    flow.match_bit = flow.pending = flow.classifying = 0
    flow.seen = [0, 0]
    flow.payload_seen = False
    flow.failed = None
    flow.final = None
    flow.verdict = Verdict(ACCEPT)
    flow.verdicts = [None] * 8
    flow.engine = _Nobody()
    for name, value in attributes.items():
        setattr(flow, name, value)
    return flow
