"""TeamViewer: magics of streams and datagrams."""

from pywall_protocols.remote import teamviewer

from pywall_core.api import MORE
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

STREAM = b"\x17\x24\x0a\x20" + NOISE[:30]
DATAGRAM = b"\0" + NOISE[:10] + b"\x17\x24" + NOISE[:20]

TestOverTcp = detector_contract(
    teamviewer,
    [(STREAM, STREAM), (STREAM, b"\x11\x30" + NOISE[:30])],
    [(STREAM, NOISE), (b"\x17\x03\x03\0\x20" + NOISE[:32], NOISE)],
)
TestOverUdp = detector_contract(
    teamviewer,
    [conversation("udp").client(DATAGRAM).server(DATAGRAM).client(DATAGRAM)],
    [conversation("udp").client(DATAGRAM).client(b"\0" + NOISE), conversation("udp").client(b"\0" + NOISE)],
)


def test_it_is_never_confirmed(ask):
    assert not ask(teamviewer, STREAM, STREAM).confirmed


def test_one_datagram_of_each_side_is_as_good_as_two_of_one(ask):
    packet = bytes(10) + b"\3\x17\x24GP" + bytes(80)
    assert ask(teamviewer, [packet], [packet]).protocol == "teamviewer"
    assert ask(teamviewer, [packet]) is MORE
