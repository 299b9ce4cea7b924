"""IEC 62056-21."""

from pywall_protocols.industrial import iec62056

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

METER = b"/ISk5MT174-0001\r\n"

TestIec62056 = detector_contract(
    iec62056,
    [
        conversation().client(b"/?!\r\n").server(METER),
        conversation().client(b"/?12345678!\r\n").server(b"/EMH4\\@01LZQJL0014F\r\n").client(b"\x06050\r\n"),
    ],
    [
        conversation().client(b"/?!\n"),
        conversation().client(b"/index.html\r\n"),
        conversation().client(b"/?" + b"1" * 40 + b"!\r\n"),
    ],
)


def test_facts_are_those_of_the_meter(ask):
    assert ask(iec62056, b"/?!\r\n", METER).facts == {"meter": "ISk5MT174-0001"}


def test_what_is_no_sign_on(ask):
    assert ask(iec62056, b"/?12") is MORE
    assert ask(iec62056, b"/usr/bin/true\n") is NO
    assert not ask(iec62056, b"/?!\r\n", b"/bin/sh: not found\r\n").confirmed
