"""Protocols that a fixed beginning tells."""

from hashlib import sha256

import pytest
from pywall_protocols.misc import signatures
from pywall_protocols.misc.signatures import TCP_MAGICS, UDP_MAGICS

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

TestSignaturesOverTcp = detector_contract(
    signatures,
    [conversation().client(magic + b"...").server(magic) for magic in TCP_MAGICS],
    [
        conversation().server(b"GIOP\1\2\0\1"),
        conversation().client(b"GIOX\1\2\0\1......"),
        conversation().client(b"8=text, and more of it"),
    ],
)
TestSignaturesOverUdp = detector_contract(
    signatures,
    [conversation("udp").client(magic + b"...") for magic in UDP_MAGICS],
    [conversation("udp").client(b"BJNP\x7f......"), conversation("udp").client(b'{"id": 1, "method": "x"}')],
)


@pytest.mark.parametrize(("magic", "name"), TCP_MAGICS.items())
def test_streams(ask, magic, name):
    assert ask(signatures, magic).protocol == name
    assert ask(signatures, magic[:-1]) is MORE
    behind = {"ceph": bytes(21)}.get(name, b"")
    assert ask(signatures, magic, magic + behind).confirmed is (name not in signatures._FITS), "what follows must fit"
    assert not ask(signatures, magic, b"something else").confirmed


@pytest.mark.parametrize(("magic", "name"), UDP_MAGICS.items())
def test_datagrams(ask, magic, name):
    assert ask(signatures, [magic]).protocol == name
    assert ask(signatures, [magic[:-1]]) is NO


def test_no_signature_hides_another():
    for magics in (TCP_MAGICS, UDP_MAGICS):
        for magic in magics:
            assert [other for other in magics if magic.startswith(other)] == [magic]


def test_conversations_are_confirmed_by_an_answer(ask):
    assert not ask(signatures, [b"RTPS\2..."]).confirmed
    assert not ask(signatures, [b"BJNP\1..."]).confirmed
    assert not ask(signatures, [b"BJNP\1..."], [b"other"]).confirmed
    assert ask(signatures, [b"BJNP\1..."], [b"BJNP\x81..."]).confirmed


def test_the_magic_of_a_network_of_bitcoin_alone_confirms_nothing(ask):
    magic = b"\xf9\xbe\xb4\xd9"
    for behind in (b"", b"version\0\0\0\0\0" + bytes(7), b"\x8f" * 20, b"\0" * 20):
        assert not ask(signatures, magic + behind, magic + behind).confirmed


def test_checksums_of_bitcoin_hold_but_the_first_version_had_none(ask):
    magic = b"\xf9\xbe\xb4\xd9"
    sides = []
    for nonce in (b"one nonce", b"two nonce"):
        body = b"\x7f\x11\1\0" + bytes(70) + nonce
        head = magic + b"version\0\0\0\0\0" + len(body).to_bytes(4, "little")
        sides.append(head + sha256(sha256(body).digest()).digest()[:4] + body)
    assert ask(signatures, sides[0], sides[1]).confirmed
    assert not ask(signatures, sides[0], sides[1][:-1]).confirmed, "not all there"
    assert not ask(signatures, sides[0], sides[1][:-1] + b"x").confirmed
    old = magic + b"version\0\0\0\0\0" + b"\x55\0\0\0" + b"\1\x7d\0\0" + b"\1" + bytes(12)
    assert ask(signatures, old + bytes(range(68)), old + bytes(range(100, 168))).confirmed
    assert not ask(signatures, old + bytes(68), old + bytes(68)).confirmed
