"""QUIC in the middle: short headers of both sides."""

from pywall_protocols.encryption import quic_midway

from pywall_core.api import MORE, Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

ID = bytes.fromhex("3545a0c89687d99b")


def packet(first, at, own=ID):
    return bytes([first]) + own + NOISE[at : at + 40]


CLIENT = [packet(0x40 + 7 * n, 3 * n) for n in range(4)]
SERVER = [packet(0x5A + n, 90 + 5 * n, b"") for n in range(2)]
OPENING = bytes.fromhex("c00000000108") + ID + b"\0\0" + NOISE[:60]
GOOGLE = [bytes([12]) + ID + bytes([5 + n]) + NOISE[40 * n : 40 * n + 30] for n in range(3)]
ANSWERS = [bytes([0, 9 + 2 * n]) + NOISE[60 * n : 60 * n + 30] for n in range(3)]


def talk(client, server):
    said = conversation("udp")
    for data in client:
        said = said.client(data)
    for data in server:
        said = said.server(data)
    return said


TestQuicMidway = detector_contract(
    quic_midway,
    [
        talk(CLIENT, SERVER),
        talk(SERVER, CLIENT),
        # two values of the first byte, and a long connection id
        talk([packet(0x41 + n % 2, 3 * n) for n in range(4)], SERVER),
        talk(GOOGLE, ANSWERS),
        # the last packets of a connection, then one that opens the next
        talk([CLIENT[0], OPENING], [SERVER[0]]),
        talk([CLIENT[0]], [SERVER[0], OPENING]),
    ],
    [
        talk(CLIENT, [NOISE]),
        talk(ANSWERS, ANSWERS),  # nobody names a connection
        talk(GOOGLE, [ANSWERS[0], ANSWERS[2], ANSWERS[1]]),
        talk([GOOGLE[0], GOOGLE[0].replace(ID, ID[::-1]), GOOGLE[2]], ANSWERS),
        talk([CLIENT[0], OPENING.replace(b"\0\0\0\1", b"\0\0\3\1")], SERVER),
        talk([packet(0x48, n) for n in range(4)], SERVER * 2),
        talk([packet(0x40 + n, n, NOISE[9 * n : 9 * n + 8]) for n in range(4)], SERVER * 2),
        talk([b"MESSAGE one of several"] * 4, [b"MESSAGE two of several"] * 4),
    ],
)


def test_it_is_never_confirmed(ask):
    assert not ask(quic_midway, CLIENT, SERVER).confirmed
    assert ask(quic_midway, CLIENT) is MORE


def test_packets_of_two_interfaces_count_once(ask):
    twice = [each for each in CLIENT for _ in range(2)]
    assert isinstance(ask(quic_midway, twice, [SERVER[0]] * 2), Match)
    assert isinstance(ask(quic_midway, [GOOGLE[0], *GOOGLE], ANSWERS), Match)
    assert ask(quic_midway, [CLIENT[0]] * 4, SERVER) is MORE
