"""Gnutella."""

from pywall_protocols.peers import gnutella

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

CONNECT = b"GNUTELLA CONNECT/0.6\r\nUser-Agent: x\r\n\r\n"
OK = b"GNUTELLA/0.6 200 OK\r\n\r\n"

TestGnutella = detector_contract(
    gnutella,
    [conversation().client(CONNECT).server(OK), conversation().server(OK)],
    [conversation().client(b"GNUTELLA is a network\r\n"), conversation().client(b"GET / HTTP/1.0\r\n\r\n")],
)


def test_the_beginning(ask):
    assert ask(gnutella, b"GNUT") is MORE
    assert ask(gnutella, b"GNUX") is NO
    assert ask(gnutella, CONNECT, OK).confirmed
