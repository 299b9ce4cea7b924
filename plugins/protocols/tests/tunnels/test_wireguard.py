"""WireGuard: handshake, padded handshake, data."""

from pywall_protocols.tunnels import wireguard

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 8
SENDER, RECEIVER = b"\x11\x22\x33\x44", b"\xaa\xbb\xcc\xdd"
INITIATION = b"\1\0\0\0" + SENDER + NOISE[:140]
RESPONSE = b"\2\0\0\0" + RECEIVER + SENDER + NOISE[:80]


def data(counter: int, size: int = 32, receiver: bytes = RECEIVER) -> bytes:
    return b"\4\0\0\0" + receiver + counter.to_bytes(8, "little") + NOISE[receiver[0] & 15 :][: size - 16]


BACK = data(0, receiver=SENDER)

TestContract = detector_contract(
    wireguard,
    positives=[
        (INITIATION, RESPONSE),
        (INITIATION, b""),
        (INITIATION + NOISE[:56], RESPONSE + NOISE[:8]),
        (INITIATION, b"\3\0\0\0" + SENDER + NOISE[:56]),
        conversation("udp").client(data(0)).client(data(1, 96)).server(BACK).server(data(1, receiver=SENDER)),
        (b"\1\x12\x34\x56" + INITIATION[4:], b"\2\x12\x34\x56" + RESPONSE[4:]),
        (data(70, 240), data(9, receiver=SENDER)),
    ],
    negatives=[
        (b"\1\x12\x34\x56" + INITIATION[4:], b"\2\x12\x34\x57" + RESPONSE[4:]),
        (data(5), NOISE[:32]),
        (bytes.fromhex("030000000001000000000001") + b"\3www\7example\3org\0\0\1\0\1" + b"\0\0\x29" + bytes(28), b""),
        (NOISE[:148], NOISE[:92]),
        (INITIATION[:-1], RESPONSE[:-1]),
        (b"\1\0\0\1" + INITIATION[4:], NOISE[:92]),
        conversation("udp").client(data(1 << 60)).client(data(2)),
        conversation("udp").client(data(1) + b"x").client(data(2)),
    ],
)


def test_indices(ask):
    assert ask(wireguard, [INITIATION], [RESPONSE]).facts == {"client.sender": "11223344", "server.sender": "aabbccdd"}


def test_a_padded_initiation_needs_the_response_to_its_index(ask):
    padded = INITIATION + NOISE[:20]
    assert ask(wireguard, [padded]) is MORE
    assert isinstance(ask(wireguard, [padded], [RESPONSE + NOISE[:4]]), Match)
    assert not isinstance(ask(wireguard, [padded], [RESPONSE[:8] + RECEIVER + RESPONSE[12:] + b"x"]), Match)


def test_one_data_message_is_not_enough(ask):
    assert ask(wireguard, [data(5)]) is MORE
    assert ask(wireguard, [data(5), NOISE[:32]]) is MORE
    assert ask(wireguard, [data(5), NOISE[:32]], [NOISE[:32]]) is NO


def test_an_answer_for_somebody_else_confirms_nothing(ask):
    asked = b"\1\0\0\0\x11\x22\x33\x44" + bytes(range(140))
    for index, confirmed in ((b"\x11\x22\x33\x44", True), (b"\x11\x22\x33\x45", False)):
        for answer in (b"\2\0\0\0mine" + index + bytes(range(80)), b"\3\0\0\0" + index + bytes(range(56))):
            assert ask(wireguard, [asked], [answer]).confirmed is confirmed
    again = b"\1\0\0\0\x55\x66\x77\x88" + bytes(range(140))
    assert ask(wireguard, [asked, again], [b"\2\0\0\0mine\x55\x66\x77\x88" + bytes(range(80))]).confirmed
