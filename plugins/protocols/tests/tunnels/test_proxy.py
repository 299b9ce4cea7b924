"""The PROXY protocol, versions 1 and 2."""

import pytest
from pywall_protocols.tunnels import proxy

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

LINE = b"PROXY TCP4 192.0.2.1 198.51.100.2 40000 443\r\n"
HEADER = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c" + bytes(12)

TestContract = detector_contract(
    proxy,
    positives=[(LINE + b"GET /", b"HTTP/1.1"), (HEADER + b"\x16\x03", b""), (b"PROXY UNKNOWN\r\n", b"")],
    negatives=[
        (b"PROXY servers are slow\r\n", b""),
        (b"\r\n\r\n\0\r\nQUIT\n\x11\x11\0\0", b""),
        (b"POST / HTTP/1.1\r\n", b"HTTP/1.1"),
    ],
)


def test_facts(ask):
    facts = {"version": 1, "source": "192.0.2.1", "destination": "198.51.100.2"}
    assert ask(proxy, LINE + b"GET /") == Match("proxy", facts, confirmed=False, restart=(len(LINE), 0))


@pytest.mark.parametrize("data", [b"P", b"PROXY TCP4 192.0.2.1", b"\r\n\r\n\0", HEADER[:20]])
def test_beginnings_wait(ask, data):
    assert ask(proxy, data) is MORE


@pytest.mark.parametrize(
    "header",
    [
        b"PROXY UNKNOWN 1.1.1.1 2.2.2.2 1 2\r\n",
        b"PROXY UNKNOWN" + b"x" * 92 + b"\r\n",
        b"PROXY UNKNOWN a\rb\nc\r\n",
        b"PROXY TCP6 0 1 0000001 99999 \r\n",
        b"PROXY TCP4  2.3.4.5 1 0\r\n",
        HEADER[:12] + b"\x22\x12\0\x0c" + bytes(12),
        HEADER[:12] + b"\x2f\xff\0\0",
    ],
)
def test_what_servers_pass_over_hides_nothing(ask, header):
    assert ask(proxy, header + b"GET /").restart == (len(header), 0)
