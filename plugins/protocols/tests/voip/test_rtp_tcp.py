"""RTP over TCP."""

from pywall_protocols.voip import rtp_tcp

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def framed(number: int, source: bytes = b"\0\1\2\3", kind: int = 8) -> bytes:
    packet = (
        b"\x80" + bytes([kind]) + number.to_bytes(2, "big") + (160 * number).to_bytes(4, "big") + source + b"\xd5" * 160
    )
    return len(packet).to_bytes(2, "big") + packet


TestRtpOverTcp = detector_contract(
    rtp_tcp,
    [conversation().client(framed(7) + framed(8)), conversation().client(framed(65535)).client(framed(0))],
    [
        conversation().client(framed(7) + framed(9)),
        conversation().client(framed(7) + framed(8, b"\0\1\2\4")),
        conversation().client(framed(7) + framed(8, kind=9)),
        conversation().client(b"\0\x20" + bytes(60)),
    ],
)


def test_two_packets_are_needed(ask):
    assert ask(rtp_tcp, framed(7)) is MORE
    assert ask(rtp_tcp, framed(7) + framed(8)).confirmed is False
    assert ask(rtp_tcp, b"\0\x0a\x80\0") is NO
