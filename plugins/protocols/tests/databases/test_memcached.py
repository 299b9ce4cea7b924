"""memcached: text, binary, and the frame over UDP."""

from struct import pack

from pywall_protocols.databases import memcached

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract


def binary(magic, opcode, key=b"", extras=b"", value=b""):
    body = extras + key + value
    return pack("!BBHBBHIIQ", magic, opcode, len(key), len(extras), 0, 0, len(body), 1, 0) + body


TestContract = detector_contract(
    memcached,
    positives=[
        (b"set k 0 60 5\r\nhello\r\n", b"STORED\r\n"),
        (b"get k\r\n", b"VALUE k 0 5\r\nhello\r\nEND\r\n"),
        (b"stats\r\n", b"STAT pid 1\r\nEND\r\n"),
        (b"add k 1 2 3 noreply\r\nabc\r\n", b""),
        (binary(0x80, 1, b"key", bytes(8), b"value"), binary(0x81, 1)),
    ],
    negatives=[
        (b"get lost!\r\nnow\r\n", b"no way\r\n"),
        (b"set the table for five\r\n", b"OK then\r\n"),
        (b"\x80" + b"\xff" * 40, b"\x81" + b"\xff" * 40),
        (b"version\r\n", b"220 ESMTP\r\n"),
    ],
)


def test_facts(ask):
    assert ask(memcached, b"get k\r\n", b"END\r\n") == Match("memcached", {"command": "get"})


def test_over_udp_the_frame_comes_first(ask):
    frame = b"\0\1\0\0\0\1\0\0"
    assert ask(memcached, [frame + b"stats\r\n"], [frame + b"STAT pid 1\r\n"]).protocol == "memcached"
    assert ask(memcached, [b"stats\r\n"], [b"STAT pid 1\r\n"]) is NO


def test_a_weak_command_waits_for_the_reply(ask):
    assert ask(memcached, b"get k\r\n") is MORE


def test_a_request_has_the_extras_of_its_operation(ask):
    assert ask(memcached, binary(0x80, 0x01, b"k", bytes(8), b"v")).protocol == "memcached"
    assert ask(memcached, binary(0x80, 0x02, b"k", b"", b"value")) is NO
    assert ask(memcached, binary(0x80, 0x05, b"k", bytes(8))) is NO
