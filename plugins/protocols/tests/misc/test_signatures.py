"""Protocols that a fixed beginning tells."""

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
    if name not in WHOLE:
        assert ask(signatures, magic, magic).confirmed
    assert not ask(signatures, magic, b"something else").confirmed


def adb(text):
    head = b"\0\0\0\1\0\0\4\0" + len(text).to_bytes(4, "little") + sum(text).to_bytes(4, "little")
    return b"CNXN" + head + bytes(byte ^ 0xFF for byte in b"CNXN") + text


def fix(text):
    message = b"8=FIX.4.4\x019=%d\x01" % len(text) + text
    return message + b"10=%03d\x01" % (sum(message) & 0xFF)


def ceph(kind):
    return b"ceph v2\n\x10" + bytes(17) + b"\1\1" + bytes(30) + kind


def bitcoin(text):
    return b"\xf9\xbe\xb4\xd9version\0\0\0\0\0" + len(text).to_bytes(4, "little") + text


def elasticsearch(status, text):
    return b"ES\0\0\0" + bytes([9 + len(text)]) + bytes(7) + b"\1" + status + text


def giop(kind, text):
    return b"GIOP\1\2\0" + kind + bytes(3) + bytes([len(text)]) + text


#: names whose messages have to be there to their end, from both sides
WHOLE = {
    "adb": (adb(b"host::"), adb(b"device::ro.product.name=x")),
    "bitcoin": (bitcoin(bytes(85)), bitcoin(b"\1" * 85)),
    "ceph": (ceph(b"\x08"), ceph(b"\1")),
    "elasticsearch": (elasticsearch(b"\x08", bytes(9)), elasticsearch(b"\x09", bytes(12))),
    "fix": (fix(b"35=A\x0149=one\x01"), fix(b"35=A\x0149=two\x0156=one\x01")),
    "gearman": (b"\0REQ\0\0\0\1\0\0\0\2wc", b"\0RES\0\0\0\x0a\0\0\0\0"),
    "giop": (giop(b"\0", bytes(40)), giop(b"\1", bytes(20))),
    "zabbix": (b"ZBXD\1\2\0\0\0\0\0\0\0{}", b"ZBXD\1\3\0\0\0\0\0\0\0{ }"),
}


@pytest.mark.parametrize("name", WHOLE)
def test_first_messages_hold_to_their_end(ask, name):
    client, server = WHOLE[name]
    match = ask(signatures, client, server)
    assert (match.protocol, match.confirmed) == (name, True)
    assert not ask(signatures, client, server[:-1]).confirmed
    assert not ask(signatures, client[:-1], server).confirmed


def test_sums_and_numbers_are_looked_at(ask):
    for name, place in (("adb", -1), ("fix", 20), ("elasticsearch", 10), ("gearman", 3)):
        client, server = WHOLE[name]
        wrong = server[:place] + client[place : len(server) + place + 1][:1] + server[len(server[:place]) + 1 :]
        changed = wrong if name == "gearman" else server[:place] + b"7" + server[len(server[:place]) + 1 :]
        assert not ask(signatures, client, changed).confirmed, name


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
