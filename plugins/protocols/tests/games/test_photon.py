"""Photon: commands that fill a datagram."""

from struct import pack

from pywall_protocols.games import photon

from pywall_core.api import NO, Match
from pywall_core.testing import detector_contract

NUMBER = bytes.fromhex("071e1434")


def command(kind, data=b"", *, wrong=0):
    return pack("!BBBBII", kind, 0, 1, 4, 12 + len(data) + wrong, 1) + data


def message(*commands, peer=0, number=NUMBER, count=None):
    return pack("!HBBI", peer, 0, len(commands) if count is None else count, 15) + number + b"".join(commands)


CONNECT = message(command(2, bytes(32)), peer=0xFFFF)
ANSWER = message(command(1, bytes(8)), command(3, bytes(32)))
TestContract = detector_contract(
    photon,
    transport="udp",
    positives=[
        (CONNECT, ANSWER),
        (CONNECT, b""),
        (message(command(6, b"reliable"), peer=9), message(command(1, bytes(8)))),
        (message(command(8, bytes(1000))), b""),
    ],
    negatives=[
        (message(command(2, bytes(32)), peer=1), b""),
        (message(command(6, b"reliable"), peer=0xFFFF), b""),
        (message(command(6, b"cut", wrong=1)), b""),
        (message(command(1, bytes(9))), b""),
        (message(command(99)), b""),
        (message(command(5), count=2), b""),
    ],
)


def test_the_answer_repeats_the_clients_number(ask):
    assert ask(photon, [CONNECT], [ANSWER]) == Match("photon", {"command": "connect"})
    assert not ask(photon, [CONNECT], [message(command(1, bytes(8)), number=b"\1\2\3\4")]).confirmed
    assert ask(photon, [CONNECT[:-1]]) is NO
