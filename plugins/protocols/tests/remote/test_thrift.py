"""Thrift: strict binary, framed or not, and compact."""

from pywall_protocols.remote import thrift

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract


def call(kind, name=b"getUser"):
    return b"\x80\1\0" + bytes([kind]) + len(name).to_bytes(4, "big") + name + b"\0\0\0\1\0"


def framed(data):
    return len(data).to_bytes(4, "big") + data


COMPACT = framed(b"\x82\x21\1\x07getUser\0")

TestContract = detector_contract(
    thrift,
    positives=[
        (call(1), call(2)),
        (framed(call(1)), framed(call(3))),
        (framed(call(4)), b""),
        (COMPACT, framed(b"\x82\x41\1\x07getUser\0")),
    ],
    negatives=[
        (call(2), call(1)),
        (call(1, b"get user\xff"), b""),
        (b"\x80\1\0\1" + b"\xff" * 20, b""),
        (b"\0\0\0\x08\4\xd2\x16\x2f\0\0\0\0", b""),
        (bytes(32), bytes(32)),
    ],
)


def test_facts(ask):
    assert ask(thrift, call(1), call(2)) == Match("thrift", {"method": "getUser"})
    assert ask(thrift, COMPACT).facts == {"method": "getUser"}


def test_half_a_name_waits(ask):
    assert ask(thrift, call(1)[:11]) is MORE
