"""iperf3: the cookie of each connection, the server's first state, the client's parameters."""

from pywall_protocols.management import iperf

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

COOKIE = b"atxkdp6mc2avrinl2g3timjue37ixzfpzynd\0"
PARAMETERS = b"\0\0\0\x0c" + b'{"tcp":true}'

TestOverTcp = detector_contract(
    iperf,
    transport="tcp",
    positives=[(COOKIE + PARAMETERS, b"\x09\x0a"), (COOKIE, b""), (COOKIE + bytes(range(256)), b"")],
    negatives=[
        (COOKIE[:-1] + b"\n", b""),
        (COOKIE.upper(), b""),
        (b"a" * 40, b""),
    ],
)
TestOverUdp = detector_contract(
    iperf,
    transport="udp",
    positives=[(b"9876", b"6789"), (b"\x15\xcd\x5b\x07", b"\xb1\x68\xde\x3a")],
    negatives=[(b"9876", b"9876"), (b"98765", b"6789"), (b"abcd", b"6789")],
)


def test_a_cookie_is_a_name_and_the_servers_states_confirm_it(ask):
    assert ask(iperf, COOKIE, b"\x09").confirmed is False
    assert ask(iperf, COOKIE + PARAMETERS, b"\x09").confirmed is False
    assert ask(iperf, COOKIE + PARAMETERS, b"\x09\x0a\x01\x02") == Match("iperf")
    assert ask(iperf, COOKIE + bytes(5), b"\x09").confirmed is False
    assert ask(iperf, COOKIE[:20]) is MORE
    assert ask(iperf, b"0" + COOKIE) is NO
