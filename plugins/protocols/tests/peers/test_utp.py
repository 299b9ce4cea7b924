"""uTP."""

from pywall_protocols.peers import utp

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import conversation, detector_contract


def packet(kind, connection, sequence, acknowledged, difference=1000, extension=0):
    fields = [(kind << 4 | 1, 1), (extension, 1), (connection, 2), (123456, 4), (difference, 4), (65536, 4)]
    fields += [(sequence, 2), (acknowledged, 2)]
    return b"".join(number.to_bytes(size, "big") for number, size in fields)


SYN = packet(4, 500, 1, 0, difference=0)
STATE = packet(2, 500, 900, 1)
DATA = packet(0, 501, 2, 900) + b"x" * 50

TestUtp = detector_contract(
    utp,
    [
        conversation("udp").client(SYN).server(STATE),
        conversation("udp").client(DATA).server(STATE),
        conversation("udp").client(STATE).server(DATA),
    ],
    [
        conversation("udp").client(packet(5, 500, 1, 0, difference=0)),
        conversation("udp").client(DATA).server(packet(2, 900, 900, 1)),
        conversation("udp").client(DATA).server(packet(2, 500, 9000, 1)),
        conversation("udp").client(DATA[:19]).server(STATE),
    ],
)


def test_a_packet_within_a_connection_waits_for_the_other_side(ask):
    assert ask(utp, [DATA]) is MORE
    assert ask(utp, [DATA], [STATE]) == Match("bittorrent", {"message": "utp"})
    assert ask(utp, [DATA], [b"other"]) is NO


def test_an_opening_packet_is_confirmed_by_an_answer(ask):
    assert not ask(utp, [SYN]).confirmed
    assert not ask(utp, [SYN], [b"other"]).confirmed
    assert ask(utp, [SYN], [STATE]).confirmed


def test_an_echo_is_no_answer(ask):
    small = packet(0, 500, 7, 7)
    assert ask(utp, [small], [small]) is NO
