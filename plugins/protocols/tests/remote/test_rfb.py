"""RFB: the versions of both sides."""

import pytest
from pywall_protocols.remote import rfb

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

TestContract = detector_contract(
    rfb,
    positives=[
        (b"RFB 003.008\n\1", b"RFB 003.008\n\1\2"),
        (b"RFB 003.003\n", b"RFB 003.889\n"),
        (b"", b"RFB 005.000\n"),
    ],
    negatives=[(b"RFB is a protocol", b"RFB 3.8\n"), (b"R", b"S"), (b"RFB 003.008\r", b"RFB 00a.008\n")],
)


def test_facts(ask):
    facts = {"client_protocol_version": "003.003", "server_protocol_version": "003.008"}
    assert ask(rfb, b"RFB 003.003\n", b"RFB 003.008\n") == Match("rfb", facts)


@pytest.mark.parametrize("data", [b"R", b"RFB ", b"RFB 00", b"RFB 003.008"])
def test_beginnings_wait(ask, data):
    assert ask(rfb, data) is MORE
