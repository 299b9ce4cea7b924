"""RLPx: a point of the curve behind a length."""

from pywall_protocols.peers import devp2p

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

#: the generator of secp256k1 (SEC 2 section 2.4.1), and twice it
POINT = bytes.fromhex(
    "0479be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
    "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
)
OTHER = bytes.fromhex(
    "04c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5"
    "1ae168fea63dc339a3c58419466ceaeef7f632653266d0e1236431a950cfe52a"
)
SECRET = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12


def message(point, size=400):
    return size.to_bytes(2, "big") + point + SECRET[: size - len(point)]


AUTH, ACK = message(POINT), message(OTHER, 380)
TestContract = detector_contract(
    devp2p,
    positives=[(AUTH, ACK), (AUTH, b""), (POINT + SECRET[:242], OTHER + SECRET[:145])],
    negatives=[
        (message(POINT[:-1] + b"\0"), b""),
        (message(b"\2" + POINT[1:]), b""),
        (message(POINT, 100), b""),
        (b"\4" + SECRET[:300], b""),
    ],
)


def test_both_sides_confirm_it(ask):
    assert ask(devp2p, AUTH, ACK) == Match("ethereum")
    assert not ask(devp2p, AUTH).confirmed
    assert ask(devp2p, AUTH, SECRET) is NO or not ask(devp2p, AUTH, SECRET).confirmed
    assert ask(devp2p, AUTH[:66]) is MORE
