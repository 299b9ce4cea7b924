"""tinc: the identifications of both sides."""

from pywall_protocols.tunnels import tinc

from pywall_core.api import Match
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

TestTinc = detector_contract(
    tinc,
    [
        conversation().client(b"0 alpha 17.7\n").server(b"0 beta 17.7\n").client(b"15 " + b"AB" * 40 + b"\n"),
        conversation().client(b"0 alpha 17\n"),
    ],
    [
        conversation().client(b"0 alpha 3\n"),
        conversation().client(b"0\n"),
        conversation().client(b"0 is a number\n").server(b"0 indeed\n"),
        (NOISE, NOISE),
    ],
)


def test_facts(ask):
    match = ask(tinc, b"0 alpha 17.7\n", b"0 beta 17.7\n")
    assert match == Match("tinc", {"client.name": "alpha", "version": "17.7", "server.name": "beta"})
