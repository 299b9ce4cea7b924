"""MongoDB: OP_MSG, OP_QUERY, OP_REPLY, OP_COMPRESSED."""

from struct import pack

from pywall_protocols.databases import mongodb

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract


def message(operation, body, number=1, answers=0):
    return pack("<4I", 16 + len(body), number, answers, operation) + body


def document(name):
    element = b"\x10" + name + b"\0" + pack("<I", 1)
    tail = b"\2$db\0" + pack("<I", 6) + b"admin\0"
    return pack("<I", len(element) + len(tail) + 5) + element + tail + b"\0"


MSG = message(2013, bytes(4) + b"\0" + document(b"hello") + b"")
QUERY = message(2004, bytes(4) + b"admin.$cmd\0" + bytes(4) + b"\xff\xff\xff\xff" + document(b"isMaster"))
REPLY = message(1, pack("<I", 8) + bytes(8) + pack("<II", 0, 1) + document(b"ok"), 7, 1)

TestContract = detector_contract(
    mongodb,
    positives=[
        (MSG, message(2013, bytes(4) + b"\0" + document(b"ok"), 5, 1)),
        (QUERY, REPLY),
        (QUERY, b""),
        (message(2012, pack("<IIB", 2013, 40, 2) + bytes(30)), b""),
    ],
    negatives=[
        (bytes(64), bytes(64)),
        (message(2013, b"\xff" * 40), b""),
        (message(2013, bytes(40), answers=9), b""),
        (message(9999, bytes(40)), REPLY),
        (b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
)


def test_facts(ask):
    assert ask(mongodb, QUERY, REPLY) == Match("mongodb", {"command": "isMaster"})
    assert ask(mongodb, MSG, b"").facts == {}


def test_the_header_alone_waits(ask):
    assert ask(mongodb, MSG[:16]) is MORE


def test_a_request_may_answer_no_message_by_ones(ask):
    asks = bytes.fromhex("49000000 87910000 ffffffff d4070000 00000000".replace(" ", "")) + b"users.$cmd\0" + bytes(42)
    assert ask(mongodb, asks).protocol == "mongodb"
