"""QUIC: the keys of the RFCs' examples, Initials sealed here, versions, Google's QUIC."""

import struct

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import ECB
from pywall_protocols.encryption import quic
from pywall_protocols.parsing import ciphers, quic_header, quic_initial

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import conversation, detector_contract, make_flow

DCID, SCID = bytes.fromhex("8394c8f03e515708"), b"\1\2\3\4"
#: RFC 9001 appendix A.1 and RFC 9369 appendix A.1: the client's key, IV and header protection key for DCID.
V1_KEYS = ("1f369613dd76d5467730efcbe3b1a22d", "fa044b2f42a3fd3b46fb255c", "9f50449e04a0e810283a1e9933adedd2")
V2_KEYS = ("8b1a0bc121284290a29e0971b5cd045d", "91f73e2351d8fa91660e909f", "45b95e15235d6f45a6b19cbcb0294ba9")
#: the server's
V1_SERVER = ("cf3a5331653c364c88f0f379b6067e37", "0ac1493ca1905853b0bba03e", "c206b8d9b9f0f37644430b490eeaa314")
V2_SERVER = ("82db637861d55e1d011f19ea71d5d2a7", "dd13c276499c0249d3310652", "edf6d05c83121201b436e16877593c3a")
NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 40


def hello(name: bytes) -> bytes:
    """A ClientHello message with a server name."""
    inner = struct.pack("!HBH", len(name) + 3, 0, len(name)) + name
    extensions = struct.pack("!HH", 0, len(inner)) + inner + b"\0\x2b\0\3\2\3\4" + b"\0\x10\0\5\0\3\2h3"
    body = b"\3\3" + bytes(32) + b"\0\0\2\x13\1\1\0" + struct.pack("!H", len(extensions)) + extensions
    return b"\1" + len(body).to_bytes(3, "big") + body


def crypto(offset: int, data: bytes) -> bytes:
    return b"\6" + struct.pack("!HH", 0x4000 | offset, 0x4000 | len(data)) + data


def initial(frames, number=0, version=quic_header.V1, keys=V1_KEYS, dcid=DCID, scid=SCID) -> bytes:
    """An Initial with these frames, sealed with the published keys (RFC 9001 section 5)."""
    key, iv, header_protection = map(bytes.fromhex, keys)
    plain = frames.ljust(1162, b"\0")
    kind = 0xD1 if version == quic_header.V2 else 0xC1
    head = bytes([kind]) + struct.pack("!I", version) + bytes([len(dcid)]) + dcid + bytes([len(scid)]) + scid
    head += b"\0" + struct.pack("!H", 0x4000 | (len(plain) + 18)) + struct.pack("!H", number)
    nonce = (int.from_bytes(iv, "big") ^ number).to_bytes(12, "big")
    sealed = AESGCM(key).encrypt(nonce, plain, head)
    mask = Cipher(AES(header_protection), ECB()).encryptor().update(sealed[2:18])
    number_at = len(head) - 2
    covered = bytes([head[0] ^ (mask[0] & 0x0F)]) + head[1:number_at]
    return covered + bytes(a ^ b for a, b in zip(head[number_at:], mask[1:3], strict=True)) + sealed


def reply(version: int = quic_header.V1) -> bytes:
    keys = V2_SERVER if version == quic_header.V2 else V1_SERVER
    return initial(crypto(0, b"\2\0\0\4said"), 0, version, keys, SCID, NOISE[:8])


HELLO = hello(b"quic.example.org")
FIRST = initial(crypto(0, HELLO))
NEGOTIATION = b"\x80" + bytes(4) + b"\4" + SCID + b"\x08" + DCID + struct.pack("!II", quic_header.V1, quic_header.V2)
INVENTED = b"\xc1\x1a\x2a\x3a\x4a\x08" + DCID + b"\4" + SCID + NOISE[:1100]
GOOGLE = b"\x0d" + DCID + b"Q039\1" + NOISE[:12] + b"CHLO\2\0\0\0SNI\0\x0c\0\0\0VER\0\x10\0\0\0www.test.orgQ039"
#: what a server says first that has no token of its client, without a connection id
REFUSAL = b"\x10\1\2" + NOISE[:12] + b"\x40\1\2\3\xa0\1\x80\0" + b"REJ\0\2\0\0\0STK\0\4\0\0\0SNO\0\x08\0\0\0tokennon"

TestContract = detector_contract(
    quic,
    positives=[
        (FIRST, reply()),
        (FIRST, b""),
        (b"", reply()),
        (initial(crypto(0, HELLO), version=quic_header.V2, keys=V2_KEYS), reply(quic_header.V2)),
        conversation("udp")
        .client(initial(crypto(30, HELLO[30:])))
        .client(initial(crypto(0, HELLO[:30]), 1))
        .server(reply()),
        (INVENTED, NEGOTIATION),
        (GOOGLE, b"\x08" + DCID + NOISE[:40]),
        (b"\0\1" + NOISE[:1210], GOOGLE),
        (b"", REFUSAL),
        (REFUSAL, b""),
        (b"\x0c" + DCID + b"\7" + GOOGLE[14:], NOISE[:40]),
    ],
    negatives=[
        (NOISE[:1200], NOISE[:1200]),
        (b"", REFUSAL.replace(b"\2\0\0\0STK", b"\x52\0\0\0STK")),
        (REFUSAL.replace(b"SNO", b"AAA"), b""),
        (b"\x10\1\2" + NOISE[:12] + b"a talk about REJ\0 and others", b""),
        (INVENTED, NOISE[:1200]),
        (b"\xc1\0\0\0\1\xff" + NOISE[:1200], b""),
        (b"\x0d" + NOISE[:60], b""),
        (bytes.fromhex("c80000000001000000000000") + b"\3www\7example\3org\0\0\1\0\1", b""),
        (bytes.fromhex("e50000000001000000000000") + b"\6www123\7example\3org\0\0\1\0\1", b""),  # a list of versions?
        (bytes.fromhex("c8ff00000001000000000000") + b"\3www\7example\3org\0\0\1\0\1", b""),
        (bytes.fromhex("c8da01000001000000000000") + b"\3www\7example\3org\0\0\1\0\1", b""),
    ],
)


@pytest.mark.parametrize(
    ("version", "client", "server"), [(quic_header.V1, V1_KEYS, V1_SERVER), (quic_header.V2, V2_KEYS, V2_SERVER)]
)
def test_keys_are_those_of_the_rfc(version, client, server):
    for side, keys in ((b"client in", client), (b"server in", server)):
        derived = quic_initial._keys(quic_initial._SALTS[version], DCID, version == quic_header.V2, side)
        assert tuple(key.hex() for key in derived) == keys


def test_an_initial_of_the_server_that_does_not_open_proves_nothing(ask):
    head = len(b"\xc1") + 4 + 1 + len(SCID) + 1 + 8 + 3
    for size in (head, head + 20, 600):
        assert not ask(quic, [FIRST], [reply()[:size] + NOISE[size : len(reply())]]).confirmed
    assert not ask(quic, [initial(crypto(0, HELLO), dcid=DCID)], [initial(crypto(0, HELLO), dcid=SCID)]).confirmed
    assert not ask(quic, [GOOGLE], [GOOGLE[:40] + b"x" + GOOGLE[41:]]).confirmed
    assert ask(quic, [initial(b"\1", dcid=b"\xaa" * 8), FIRST], [reply()]).confirmed


UNKNOWN = b"\xc3\xfa\xce\xb1\x07\x08" + DCID + bytes([len(SCID)]) + SCID + b"\0\x44\x90\0" + bytes(range(256)) * 6


@pytest.mark.parametrize("version", ["faceb107", "0a0a0a0a", "deadbeef"])
def test_an_opening_in_an_unknown_version_is_named_and_not_confirmed(ask, version):
    opening = (UNKNOWN[:1] + bytes.fromhex(version) + UNKNOWN[5:])[:1250]
    match = ask(quic, [opening])
    assert (match.protocol, match.facts, match.confirmed) == ("quic", {"version": f"0x{version}"}, False)


def test_a_short_opening_in_an_unknown_version_needs_an_answer(ask):
    short = UNKNOWN[:1199]
    agreed = b"\xc0" + UNKNOWN[1:5] + b"\4" + SCID + b"\x08" + NOISE[:60]
    refused = b"\x80" + bytes(4) + b"\4" + SCID + b"\x08" + DCID + bytes.fromhex("51474f01 50524f58")
    assert ask(quic, [UNKNOWN[:40]]) is NO
    assert ask(quic, [short]) is MORE
    assert ask(quic, [short], [NOISE[:60]]) is NO
    assert ask(quic, [short], [agreed]).confirmed
    assert not ask(quic, [short], [refused]).confirmed
    assert ask(quic, [short], [refused[:-1]]) is NO


def test_versions_of_mvfst_have_names():
    assert quic_header.version_name(0xFACEB00E) == "mvfst-e"
    assert quic_header.version_name(0xFACEB001) == "mvfst-1"


@pytest.mark.parametrize(("version", "keys", "name"), [(quic_header.V1, V1_KEYS, "1"), (quic_header.V2, V2_KEYS, "2")])
def test_the_client_hello_is_read(ask, version, keys, name):
    match = ask(quic, [initial(crypto(0, HELLO), version=version, keys=keys)], [reply(version)])
    assert (match.confirmed, match.done) == (True, False)  # the answer may ask for another ClientHello
    handshake = bytes([0xE0 if version == quic_header.V1 else 0xF0]) + reply(version)[1:]
    assert ask(quic, [initial(crypto(0, HELLO), version=version, keys=keys)], [reply(version), handshake]).done
    assert match.facts["version"] == name
    assert match.facts["sni"] == "quic.example.org"
    assert match.facts["client_alpns"] == ["h3"]
    assert match.facts["ja4"].startswith("q13d0103h3_")


def test_frames_in_any_order_over_several_datagrams(ask):
    frames = [crypto(at, HELLO[at : at + 20]) for at in range(0, len(HELLO), 20)]
    first = initial(b"\1" + b"".join(reversed(frames[3:])))
    second = initial(b"\2\0\0\0\0" + frames[1] + frames[0] + b"\0\0" + frames[2], 1)
    assert "sni" not in ask(quic, [first]).facts
    assert ask(quic, [first, second]).facts["sni"] == "quic.example.org"


def test_after_a_retry_the_new_id_makes_the_keys(ask):
    refused = initial(b"\1", dcid=b"\xaa" * 8)  # sealed with other keys than its id would make
    assert ask(quic, [refused, FIRST]).facts["sni"] == "quic.example.org"


def test_the_server_s_initial_is_tried_with_few_ids(monkeypatch):
    from cryptography.hazmat.primitives import ciphers as library

    tried = []

    def cipher(*given, make=library.Cipher):
        tried.append(given)
        return make(*given)

    monkeypatch.setattr(library, "Cipher", cipher)  # each trial begins with a mask of a header's
    client = [FIRST, *(initial(b"\1", dcid=bytes([number]) * 8) for number in range(1, 30))]
    packet = initial(crypto(0, HELLO), dcid=SCID)

    def tries(count, packets):
        tried.clear()
        answer = packet * packets
        sent = b"".join(client[:count])
        sizes = {"client_sizes": tuple(map(len, client[:count])), "server_sizes": (len(answer),)}
        flow = make_flow(proto=17, client=sent, server=answer, **sizes)
        assert not quic.pywall_detect(flow, sent, answer).confirmed
        return len(tried)

    for count in range(1, len(client)):
        tries(count, 0)  # what the client said is opened once, and kept
    of_the_server = [tries(count, 12) for count in range(1, len(client))]
    assert 0 < sum(of_the_server) <= 4 * (1 + 2 + 3 + 4)


def test_damaged_initials_are_quic_without_a_name(ask):
    damaged = FIRST[:-1] + bytes([FIRST[-1] ^ 1])
    assert ask(quic, [damaged]).facts == {"version": "1"}
    assert ask(quic, [FIRST[:100]]).facts == {"version": "1"}


def test_without_cryptography_only_the_version_is_known(ask, monkeypatch):
    monkeypatch.setattr(ciphers, "AVAILABLE", False)
    assert ask(quic, [FIRST], [reply()]) == Match("quic", {"version": "1"})


def test_an_invented_version_needs_a_negotiation(ask):
    assert ask(quic, [INVENTED]) is MORE
    assert isinstance(ask(quic, [INVENTED], [NEGOTIATION]), Match)
    assert ask(quic, [INVENTED], [NOISE[:60]]) is NO


def test_google_s_name_is_in_the_clear(ask):
    assert ask(quic, [GOOGLE]).facts == {"version": "Q039", "sni": "www.test.org"}


@pytest.mark.parametrize(
    ("version", "name"),
    [(0xFF00001D, "draft-29"), (0x51303436, "Q046"), (0x54303531, "T051"), (0x51303A36, None), (0xDEADBEEF, None)],
)
def test_versions(version, name):
    assert quic_header.version_name(version) == name
