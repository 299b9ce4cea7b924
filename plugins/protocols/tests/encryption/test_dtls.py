"""DTLS: hellos, fragments, cookies, records in a row."""

import struct

from pywall_protocols.encryption import dtls

from pywall_core.api import NO, Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 4


def record(kind: int, body: bytes, epoch: int = 0, number: int = 0, version: bytes = b"\xfe\xfd") -> bytes:
    return bytes([kind]) + version + struct.pack("!HHIH", epoch, 0, number, len(body)) + body


def fragment(kind: int, body: bytes, offset: int = 0, size: int | None = None, number: int = 0) -> bytes:
    part = body[offset : offset + (len(body) if size is None else size)]
    head = bytes([kind]) + len(body).to_bytes(3, "big") + struct.pack("!H", number)
    return head + offset.to_bytes(3, "big") + len(part).to_bytes(3, "big") + part


def client_body(cookie: bytes = b"", name: bytes = b"turn.example.org") -> bytes:
    inner = struct.pack("!HBH", len(name) + 3, 0, len(name)) + name
    extension = struct.pack("!HH", 0, len(inner)) + inner
    return (
        b"\xfe\xfd" + bytes(32) + b"\0" + bytes([len(cookie)]) + cookie + b"\0\2\xc0\x2b\1\0"
        + struct.pack("!H", len(extension)) + extension
    )  # fmt: skip


HELLO = record(22, fragment(1, client_body()))
VERIFY = record(22, fragment(3, b"\xfe\xff\4abcd"), version=b"\xfe\xff")
SERVER_HELLO = record(22, fragment(2, b"\xfe\xfd" + bytes(32) + b"\0\xc0\x2b\0\0\0"))
DATA = record(23, NOISE[:50], epoch=1, number=5)

TestContract = detector_contract(
    dtls,
    positives=[
        (HELLO, SERVER_HELLO),
        (HELLO, VERIFY),
        (HELLO, b""),
        (DATA + DATA, DATA),
        conversation("udp")
        .client(HELLO)
        .server(VERIFY)
        .client(record(22, fragment(1, client_body(b"abcd")), number=1))
        .server(SERVER_HELLO + record(20, b"\1")),
    ],
    negatives=[
        (HELLO[:-1], b""),
        (HELLO + b"x", b""),
        (record(22, b"\1\0\0\5\0\0\0\0\\9\0\0\1" + b"x"), b""),
        (record(23, b""), b""),
        (b"\x16" + NOISE[:60], NOISE),
        (record(23, NOISE[:20], epoch=0xF000), b""),
    ],
)


def test_facts_across_fragments_and_a_cookie(ask):
    body = client_body(b"abcd")
    parts = [record(22, fragment(1, body, at, 30, 1), number=at) for at in range(0, len(body), 30)]
    match = ask(dtls, [HELLO, *parts], [VERIFY, SERVER_HELLO])
    assert isinstance(match, Match)
    assert (match.confirmed, match.done) == (True, True)
    assert match.facts["sni"] == "turn.example.org"
    assert match.facts["version"] == "DTLS 1.2"
    assert match.facts["cipher"] == "0xc02b"
    assert match.facts["ja4"].startswith("dd2d0101")


def test_only_a_handshake_of_both_sides_confirms(ask):
    hello = record(22, fragment(1, client_body()))
    data = record(23, bytes(range(40)), epoch=1)
    assert ask(dtls, [hello], [SERVER_HELLO]).confirmed
    assert not ask(dtls, [hello], [data]).confirmed
    assert not ask(dtls, [data], [data]).confirmed


def test_a_fragment_beyond_its_message_is_refused(ask):
    assert ask(dtls, [record(22, b"\1\0\0\5\0\0\0\0\4\0\0\2xx")]) is NO
