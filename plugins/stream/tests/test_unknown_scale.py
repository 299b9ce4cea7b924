"""A window whose scale was never agreed on counts as it stands. Found by a capture with bytes changed at random."""

from __future__ import annotations

from pywall_stream.direction import StreamDirection
from pywall_stream.settings import StreamOptions
from pywall_stream.tracker import Tracker
from pywall_stream.validator import SegmentValidator

from pywall_core.api import ACK, decode
from pywall_core.testing import make_flow, tcp_packet


def test_an_ordinary_segment_of_a_sender_without_a_known_window_scale() -> None:
    options = StreamOptions()
    tracker = Tracker(SegmentValidator(options.timeouts, options.flow_memory, options.memory))
    sender, peer = StreamDirection(999), StreamDirection(4999)
    for direction in (sender, peer):
        direction.seen = direction.fast_path_ok = True
        direction.window_end = 1000
    sender.shift = -1
    packet = decode(tcp_packet("10.0.0.1", 1000, "10.0.0.2", 80, seq=1000, ack=5000, flags=ACK, data=b"x"), 1.0)
    flow = make_flow(packet)
    flow.tcp.tracker = (peer, sender)
    packet.to_server = True
    assert tracker.packet(packet, flow) is None
    assert packet.segments == ((0, b"x", 0),)
