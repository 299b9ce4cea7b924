"""Every ClientHello of a QUIC flow: none that a server answers is hidden by what comes before, between or around it."""

import struct

import pytest

pytest.importorskip("cryptography")
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from pywall_protocols.encryption import quic
from pywall_protocols.parsing import quic_initial
from pywall_protocols.transactions.quic_hellos import QuicHellos

from pywall_core.api import Ambiguous
from pywall_core.testing import conversation, engine, find_transactions, transaction_contract

OWN, THEIRS, OTHER = b"\1\2\3\4", b"serversid", b"another1"
DCID = bytes.fromhex("8394c8f03e515708")
DENY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: quic.sni, is: bad.example, action: DROP}]}
default: ACCEPT
"""
ALLOW = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: quic.sni, is: good.example, action: ACCEPT}]}
default: DROP
"""
BOTH_WAYS = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT: [{rule: fact, name: quic.sni, is: good.example, action: ACCEPT}]
  OUTPUT: [{rule: app, is: quic, action: ACCEPT}]
default: DROP
"""


def hello(name: bytes, more: int = 0) -> bytes:
    inner = struct.pack("!HBH", len(name) + 3, 0, len(name)) + name
    padding = struct.pack("!HH", 21, more) + bytes(more) if more else b""
    extensions = padding + struct.pack("!HH", 0, len(inner)) + inner + b"\0\x2b\0\3\2\3\4"
    body = b"\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0" + struct.pack("!H", len(extensions)) + extensions
    return b"\1" + len(body).to_bytes(3, "big") + body


def crypto(offset: int, data: bytes, kind: bytes = b"\6") -> bytes:
    return kind + struct.pack("!HH", 0x4000 | offset, 0x4000 | len(data)) + data


def sealed(
    frames: bytes, number: int = 0, dcid: bytes = DCID, key: bytes = b"", *, width: int = 2, size: int = 1162
) -> bytes:
    """An Initial of version 1 with the lower ``width`` bytes of its number."""
    secret, iv, header_protection = quic_initial._keys(quic_initial._SALTS[1], key or dcid, False)
    plain = frames.ljust(size, b"\0")
    head = bytes([0xC0 | (width - 1)]) + b"\0\0\0\1" + bytes([len(dcid)]) + dcid + bytes([len(OWN)]) + OWN + b"\0"
    head += struct.pack("!H", 0x4000 | (len(plain) + width + 16))
    told = number.to_bytes(4, "big")[4 - width :]
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    cipher = AESGCM(secret).encrypt(nonce, plain, head + told)
    mask = Cipher(AES(header_protection), ECB()).encryptor().update(cipher[4 - width : 20 - width])
    covered = bytes([head[0] ^ (mask[0] & 0x0F)]) + head[1:]
    return covered + bytes(a ^ b for a, b in zip(told, mask[1:], strict=False)) + cipher


def reply(kind: int = 0xC0, own: bytes = OWN) -> bytes:
    token = b"\0" if kind < 0xD0 else b""
    return bytes([kind]) + b"\0\0\0\1" + bytes([len(own)]) + own + b"\x09" + THEIRS + token + b"\x40\x40" + b"\x5a" * 64


GOOD, BAD = hello(b"good.example"), hello(b"bad.example")
FIRST, SECOND = sealed(crypto(0, GOOD)), sealed(crypto(0, BAD), dcid=OTHER)
OPENED = [(True, FIRST), (False, reply() + reply(0xE0))]
HALF = BAD.index(b"bad") + 2
PARTS = crypto(0, BAD[:HALF]), crypto(HALF, BAD[HALF:])
LONG = hello(b"bad.example", 3000)


def parts(message: bytes, size: int = 1000) -> list[bytes]:
    return [crypto(at, message[at : at + size]) for at in range(0, len(message), size)]


TestContract = transaction_contract(
    quic,
    [
        conversation("udp").client(FIRST).server(reply() + reply(0xE0)),
        conversation("udp").client(sealed(PARTS[1])).client(sealed(PARTS[0], 1)).server(reply()),
        conversation("udp").client(FIRST).server(reply()).client(SECOND).server(reply(0xE0)),
    ],
    transport="udp",
)

HIDDEN = {
    "another connection on the same ports": [*OPENED, (True, SECOND)],
    "and behind it some more": [*OPENED, (True, b"\x41" * 60), (False, b"\x41" * 900), (True, SECOND)],
    "pieces of two connections in turn": [
        (True, sealed(crypto(0, GOOD[:40]))),
        (True, sealed(PARTS[0], dcid=OTHER)),
        (True, sealed(crypto(40, GOOD[40:]), 1)),
        (True, sealed(PARTS[1], 1, OTHER)),
    ],
    "the second packet of a datagram": [(True, sealed(b"\1", size=200) + sealed(crypto(0, BAD), 1))],
    "behind early data": [(True, b"\xd1" + sealed(b"\1", size=99)[1:19] + b"\x40\x20" + bytes(32) + SECOND)],
    "behind an Initial that no key opens": [(True, sealed(b"\1", key=b"x" * 8, size=200) + sealed(crypto(0, BAD)))],
    "a frame's type in two bytes": [(True, sealed(b"\x40\1" + crypto(0, BAD, b"\x40\6")))],
    "a frame's type in eight": [(True, sealed(crypto(0, BAD, b"\xc0" + bytes(6) + b"\6")))],
    "behind twelve pings": [*((True, sealed(b"\1", at)) for at in range(12)), (True, sealed(crypto(0, BAD), 12))],
    "in four datagrams": [(True, sealed(part, at)) for at, part in enumerate(parts(LONG))],
    "the last part first": [(True, sealed(PARTS[1])), (True, sealed(PARTS[0], 1))],
    "to the id that the server has chosen": [
        (True, sealed(PARTS[0])),
        (False, reply()),
        (True, sealed(PARTS[1], 1, THEIRS, DCID)),
    ],
    "and that behind another connection": [
        *OPENED,
        (True, sealed(PARTS[0], dcid=OTHER)),
        (False, reply()),
        (True, sealed(PARTS[1], 1, THEIRS, OTHER)),
    ],
    "the lower byte of a number": [(True, sealed(PARTS[0], 200, width=1)), (True, sealed(PARTS[1], 300, width=1))],
    "behind one byte": [(True, b"x"), (True, SECOND)],
    "behind a short header": [(True, b"\x45" + b"0123456789" * 30), (True, SECOND)],
    "behind STUN": [(True, b"\0\1\0\0\x21\x12\xa4\x42" + bytes(range(12))), (True, SECOND)],
    "behind a message of DNS": [(True, b"\0\1\1\0\0\1\0\0\0\0\0\0\4good\7example\0\0\1\0\1"), (True, SECOND)],
    "behind thirty datagrams": [*((True, b"\x7f" * at) for at in range(1, 31)), (True, SECOND)],
}


@pytest.mark.parametrize("name", HIDDEN)
@pytest.mark.parametrize("policy", [DENY, ALLOW], ids=["deny", "allow"])
def test_no_hello_is_hidden(name, policy):
    lab = engine(policy, live=True)
    talk = conversation("udp")
    for to_server, data in HIDDEN[name]:
        talk = talk.client(data) if to_server else talk.server(data)
    asked = [
        verdict.action.value for verdict, (to_server, _) in zip(lab.send(talk), HIDDEN[name], strict=True) if to_server
    ]
    assert asked[-1] == "drop", asked


@pytest.mark.parametrize(
    "turns",
    [
        [*OPENED, (True, b"\x41" * 60), (False, b"\x41" * 900), (True, b"\x41" * 900)],
        [(True, sealed(part, at)) for at, part in enumerate(parts(hello(b"good.example", 3000)))],
        [(True, sealed(b"\1", size=200) + sealed(crypto(0, GOOD), 1)), (False, reply(0xE0))],
        [*OPENED, (True, sealed(crypto(0, GOOD), 1, THEIRS, DCID)), (True, sealed(crypto(0, GOOD), dcid=OTHER))],
    ],
)
def test_what_a_rule_allows_passes_whole(turns):
    lab = engine(BOTH_WAYS, live=True)
    talk = conversation("udp")
    for to_server, data in turns:
        talk = talk.client(data) if to_server else talk.server(data)
    assert [verdict.action.value for verdict in lab.send(talk)] == ["accept"] * len(turns)


@pytest.mark.parametrize(
    ("turns", "reason"),
    [
        ([(True, sealed(crypto(0, GOOD[:60]) + crypto(40, b"x" * 30)))], "pieces"),
        ([(True, sealed(crypto(0x3FFF, GOOD)))], "pieces"),
        ([(True, sealed(b"".join(crypto(2 * at + 2, b"x") for at in range(129))))], "pieces"),
        ([(True, sealed(b"\x30" + crypto(0, GOOD)))], "frame"),
        ([(True, sealed(crypto(0, b"\2" + GOOD[1:])))], "hello"),
        ([(True, FIRST), (True, sealed(b"\1", 1, THEIRS, b"x" * 8))], "unreadable"),
        ([(True, sealed(PARTS[0])), (False, reply(0xE0))], "unseen_hello"),
        ([(True, FIRST), (False, reply(0xE0, b"else"))], "unseen_hello"),
        ([(True, sealed(crypto(0, b"\1"), dcid=b"%8d" % at)) for at in range(17)], "openings"),
        ([(True, (b"\xd1" + sealed(b"\1", size=9)[1:19] + b"\0") * 65)], "packets"),
    ],
)
def test_what_a_server_might_read_and_nobody_here_can_is_ambiguous(turns, reason):
    assert reason in find_transactions(quic, turns, "udp").ambiguous


def test_each_hello_has_its_facts_and_a_changed_name_is_told():
    found = find_transactions(quic, [*OPENED, (True, SECOND)], "udp")
    assert [facts["sni"] for facts in found.complete.values()] == ["good.example", "bad.example"]
    assert found.anomalies == {(1, "sni_changed")}


def test_no_hello_is_waited_for_without_end():
    lab = engine(ALLOW, live=True)
    talk = conversation("udp").client(sealed(PARTS[0]))
    for number in range(1, 40):
        talk = talk.client(sealed(b"\1", number))
    assert lab.send(talk)[-1].action.value == "drop"


def test_the_kernel_carries_it_where_no_rule_asks_its_facts():
    policy = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: app, is: quic, action: ACCEPT}], OUTPUT: [{rule: app, is: quic, action: ACCEPT}]}
default: DROP
"""
    lab = engine(policy, live=True)
    talk = conversation("udp")
    for to_server, data in [*OPENED, (True, b"\x41" * 60)]:
        talk = talk.client(data) if to_server else talk.server(data)
    assert lab.send(talk)[-1].final


@pytest.mark.parametrize(
    "opening",
    [
        [b"k", b"o", -2, 0, [], False],
        ["k", "o", 0, 0, [], False],
        [{"bytes": "00"}, {"bytes": "00"}, 0, 0, [[1, 2]], False],
        [{"bytes": "00"}, {"bytes": "00"}, 0, 0, [1], False],
        [],
        7,
    ],
)
def test_a_state_that_is_none_is_refused(opening):
    parser = QuicHellos()
    with pytest.raises((ValueError, TypeError)):
        parser.load({"_strict": True, "_openings": [opening]})


def test_behind_junk_no_further_packet_of_a_datagram_is_tried() -> None:
    """Each would be, with the keys of all connections."""
    parser = QuicHellos()
    parser.feed(True, sealed(crypto(0, hello(b"good.example"))))
    junk = b"\xc3\0\0\0\1\4key0\4own1\0\x16" + bytes(22)
    told = parser.feed(True, junk * 5)
    assert [step.reason for step in told if isinstance(step, Ambiguous)] == ["unreadable"]
