"""Wrong checksums in a capture: dropped, but believed where the receiver acknowledges them and no better copy came."""

from __future__ import annotations

import pytest
from pywall_stream.plugin import Stream

from pywall_core.api import ACK, PSH, SYN, Flow, Packet, decode, hookimpl
from pywall_core.testing import engine, tcp_packet

C, S = ("192.0.2.1", 1000), ("192.0.2.2", 80)


class Listener:
    def __init__(self) -> None:
        self.heard = b""

    @hookimpl
    def pywall_flow_start(self, flow: Flow) -> None:
        flow.watched = True

    @hookimpl
    def pywall_segment(self, flow: Flow, to_server: bool, offset: int, data: bytes, gap: int) -> None:
        if to_server:
            assert (offset, gap) == (len(self.heard), 0)
            self.heard += data


def client(at: int, data: bytes, *, good: bool = True, flags: int = ACK | PSH) -> Packet:
    raw = bytearray(tcp_packet(*C, *S, seq=100 + at, ack=501 if flags & ACK else 0, flags=flags, data=data))
    if not good:
        raw[36] ^= 0x55
    return decode(bytes(raw), 1.0, 1)


def server(acked: int, flags: int = ACK) -> Packet:
    return decode(tcp_packet(*S, *C, seq=501 if flags == ACK else 500, ack=100 + acked, flags=flags), 1.0, 3)


OPEN = (client(0, b"", flags=SYN), server(1, SYN | ACK), client(1, b"", flags=ACK))


@pytest.mark.parametrize(
    ("packets", "expected"),
    [
        ((client(1, b"he", good=False), server(3), client(3, b"llo")), b"hello"),
        ((client(1, b"he"), client(3, b"ll", good=False), server(5), client(5, b"o")), b"hello"),
        ((client(1, b"XX", good=False), client(1, b"he"), server(3), client(3, b"llo")), b"hello"),
        ((client(1, b"XX", good=False), client(1, b"hello"), server(6), client(6, b"!")), b"hello!"),
        ((client(3, b"XX", good=False), client(1, b"hello"), server(6), client(6, b"!")), b"hello!"),
    ],
)
def test_what_detectors_are_shown(packets: tuple[Packet, ...], expected: bytes) -> None:
    listener = Listener()
    lab = engine({"version": 1}, plugins={"stream": Stream(), "listener": listener})
    verdicts = lab.send([*OPEN, *packets])
    assert listener.heard == expected
    assert sum(verdict.reason == "stream.bad_checksum" for verdict in verdicts) == 1
