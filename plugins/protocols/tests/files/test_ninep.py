"""9P: the version that both sides speak."""

from pywall_protocols.files import ninep

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract


def version(kind, name=b"9P2000.L", tag=b"\xff\xff", wrong=0):
    body = bytes([kind]) + tag + (65536).to_bytes(4, "little") + (len(name) + wrong).to_bytes(2, "little") + name
    return (len(body) + 4).to_bytes(4, "little") + body


TestContract = detector_contract(
    ninep,
    positives=[
        (version(100), version(101)),
        (version(100, b"9P2000"), version(101, b"unknown")),
        (version(100, b"9P2000.u"), b""),
    ],
    negatives=[
        (version(100, wrong=1), b""),
        (version(100, tag=b"\0\0"), b""),
        (version(102), b""),
        (version(100, b"9X2000.L"), b""),
    ],
)


def test_facts(ask):
    assert ask(ninep, version(100), version(101)) == Match("9p", {"version": "9P2000.L"})
    assert ask(ninep, version(100)[:9]) is MORE
    assert ask(ninep, version(100), version(101, b"HTTP/1.1")).confirmed is False
    assert ask(ninep, version(100, b"9X2000.L")) is NO
