"""Couchbase."""

from pywall_protocols.databases import couchbase

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

AGENT = b'{"a":"libcouchbase/3.0","i":"1"}'


def message(magic: int, command: int, key: bytes = b"", value: bytes = b"", opaque: bytes = b"\0\0\0\7") -> bytes:
    sizes = len(key).to_bytes(2, "big"), (len(key) + len(value)).to_bytes(4, "big")
    return bytes([magic, command]) + sizes[0] + bytes(4) + sizes[1] + opaque + bytes(8) + key + value


HELLO = message(0x80, 0x1F, AGENT, b"\0\1\0\3\0\6")
TestCouchbase = detector_contract(
    couchbase,
    [
        conversation().client(HELLO).server(message(0x81, 0x1F, b"", b"\0\1\0\3")),
        conversation().client(message(0x80, 0x89, b"travel")).server(message(0x81, 0x89)),
        conversation().client(message(0x80, 0xB5)).server(message(0x81, 0xB5, b"", b"{}")),
    ],
    [
        conversation().client(message(0x80, 0x00, b"key")),
        conversation().client(message(0x80, 0x1F, AGENT, b"\0\1\0")),
        conversation().client(message(0x81, 0x1F)),
    ],
)


def test_facts_and_the_answer(ask):
    assert ask(couchbase, HELLO).facts == {"agent": AGENT.decode()}
    assert ask(couchbase, HELLO[:30]) is MORE
    assert ask(couchbase, b"\x80\x01") is NO
    assert not ask(couchbase, HELLO, message(0x81, 0x1F, opaque=b"\0\0\0\x08")).confirmed
