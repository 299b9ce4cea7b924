"""Icecast: a source's request, whose audio has no end."""

import pytest
from pywall_protocols.web import icecast

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

PUT = b"PUT /live HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Type: audio/ogg\r\n\r\n"
SOURCE = b"SOURCE /live ICE/1.0\r\nContent-Type: audio/mpeg\r\nice-name: x\r\n\r\n"

TestContract = detector_contract(
    icecast,
    positives=[(PUT + b"OggS", b"HTTP/1.1 100 Continue\r\n\r\n"), (SOURCE + b"\xff\xfb", b"HTTP/1.0 200 OK\r\n\r\n")],
    negatives=[
        (PUT.replace(b"Host: a", b"Content-Length: 9"), b""),
        (PUT.replace(b"Host: a", b"Transfer-Encoding: chunked"), b""),
        (PUT.replace(b"audio/ogg", b"text/plain"), b""),
        (b"PUSH /live HTTP/1.1\r\n\r\n", b""),
    ],
)


@pytest.mark.parametrize("data", [PUT, SOURCE])
def test_it_is_never_confirmed(ask, data):
    found = ask(icecast, data + b"OggS", b"HTTP/1.0 200 OK\r\n\r\n")
    assert isinstance(found, Match)
    assert (found.protocol, found.confirmed) == ("icecast", False)
    assert ask(icecast, data[:30]) is MORE
    assert ask(icecast, b"POST / HTTP/1.1\r\n") is NO
