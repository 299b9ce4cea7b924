"""A segment says of a packet what the packet says of itself, also where it was cut."""

from hypothesis import given
from hypothesis import strategies as st
from pywall_stream.segment import Segment

from pywall_core.api import TCP, decode
from pywall_core.testing import tcp_packet

numbers = st.integers(0, 2**32 - 1)
ends = {4: ("192.0.2.1", "198.51.100.2"), 6: ("2001:db8::1", "2001:db8::2")}


@given(
    st.sampled_from([4, 6]),
    numbers,
    numbers,
    st.integers(0, 65535),
    st.binary(max_size=40),
    st.integers(0, 60),
    st.data(),
)
def test_fields_are_those_of_the_packet(version, seq, ack, window, payload, cut, draw):
    source, target = ends[version]
    options = b"\1" * draw.draw(st.sampled_from([0, 12]))
    whole = tcp_packet(source, 1, target, 2, seq=seq, ack=ack, window=window, data=payload, options=options)
    packet = decode(whole[: len(whole) - cut])
    segment = Segment()
    if not segment.read(packet):
        assert packet.proto != TCP  # cut within its IP header
        return
    for name in ("data", "l4", "start", "end", "length", "flags", "seq", "ack", "window", "to_server"):
        assert getattr(segment, name) == getattr(packet, name), name
    assert segment.whole == (packet.error is None)
    assert segment.payload() == packet.payload
    assert segment.packet is packet
