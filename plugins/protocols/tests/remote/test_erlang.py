"""Erlang: the port mapper's requests, and the handshake of two nodes."""

from struct import pack

from pywall_protocols.remote import erlang

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract


def framed(body):
    return pack("!H", len(body)) + body


NODE = b"rabbit@host"
SEND = framed(b"N" + pack("!QIH", 0xD07DF7FBD, 0x6B0C930F, len(NODE)) + NODE)
OLD = framed(b"n" + pack("!HI", 5, 0x7FBD) + NODE)
REGISTER = framed(b"x" + pack("!HBBHHH", 25672, 77, 0, 6, 5, 6) + b"rabbit" + pack("!H", 0))
FOUND = b"w\0" + pack("!HBBHHH", 25672, 77, 0, 6, 5, 6) + b"rabbit" + pack("!H", 0)

TestContract = detector_contract(
    erlang,
    positives=[
        (SEND, framed(b"sok")),
        (OLD, framed(b"salive")),
        (SEND, b""),
        (REGISTER, b"v\0\x6b\x0c\x8c\x4a"),
        (REGISTER, b"y\0\0\1"),
        (framed(b"zrabbit"), FOUND),
        (framed(b"zrabbit"), b"w\1"),
        (framed(b"n"), pack("!I", 4369) + b"name rabbit at port 25672\n"),
        (framed(b"k"), b"OK"),
    ],
    negatives=[
        (framed(b"zrabbit"), b"HTTP/1.1 400\r\n"),
        (framed(b"N" + bytes(40)), b""),
        (framed(b"n" + pack("!HI", 9, 1) + NODE), b""),
        (framed(b"x" + bytes(20)), b"v\0\0\0\0\0"),
        (framed(b"n"), b"\0\1\2\3"),
        (b"\0\0abc", b""),
    ],
)


def test_facts(ask):
    assert ask(erlang, SEND, framed(b"sok")) == Match("erlang", {"node": "rabbit@host"})
    assert ask(erlang, REGISTER, b"v\0\0\0\0\1") == Match("epmd", {"node": "rabbit"})
    assert ask(erlang, framed(b"zrabbit")) is MORE
    assert ask(erlang, framed(b"zrabbit"), b"no") is NO
    assert ask(erlang, framed(b"zrabbit"), b"w\1").confirmed is False
    assert ask(erlang, SEND, framed(b"xok")).confirmed is False
