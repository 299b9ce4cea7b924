"""rsync's daemon protocol."""

import pytest
from pywall_protocols.files import rsync

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

TestContract = detector_contract(
    rsync,
    positives=[
        (b"@RSYNCD: 31.0 sha512 md5\nmodule\n", b"@RSYNCD: 31.0 sha512\n@RSYNCD: OK\n"),
        (b"@RSYNCD: 26\n", b"@RSYNCD: 30.0\n"),
        (b"", b"@RSYNCD: 31.0\n"),
    ],
    negatives=[(b"@RSYNCD is a daemon\n", b"@home\n"), (b"@RSYNCD: OK\n", b"@RSYNCD: x\n")],
)


def test_facts(ask):
    facts = {"client_version": "26", "server_version": "31.0"}
    assert ask(rsync, b"@RSYNCD: 26\n", b"@RSYNCD: 31.0\n") == Match("rsync", facts)


@pytest.mark.parametrize("data", [b"@", b"@RSYNCD:", b"@RSYNCD: 31.0"])
def test_beginnings_wait(ask, data):
    assert ask(rsync, data) is MORE


def test_equal_greetings_prove_nothing_yet(ask):
    greeting = b"@RSYNCD: 31.0\n"
    assert not ask(rsync, greeting + b"module\n", greeting).confirmed
    assert ask(rsync, greeting + b"module\n", greeting + b"@RSYNCD: OK\n").confirmed
    assert ask(rsync, greeting, b"@RSYNCD: 30.0\n").confirmed
