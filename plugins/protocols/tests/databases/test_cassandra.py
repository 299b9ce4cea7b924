"""CQL: OPTIONS, STARTUP and their responses."""

from pywall_protocols.databases import cassandra

from pywall_core.api import MORE
from pywall_core.testing import detector_contract

OPTIONS = b"\4\0\0\0\5\0\0\0\0"
STARTUP = b"\4\0\0\1\1\0\0\0\x16\0\1\0\x0bCQL_VERSION\0\x053.0.0"
SUPPORTED = b"\x84\0\0\0\6\0\0\0\x10" + bytes(16)
READY = b"\x84\0\0\1\2\0\0\0\0"

TestContract = detector_contract(
    cassandra,
    positives=[
        (OPTIONS, SUPPORTED),
        (STARTUP, READY),
        (STARTUP, b""),
        (b"\2\0\0\1\0\0\0\x16\0\1\0\x0bCQL_VERSION\0\x053.0.0", b""),
    ],
    negatives=[
        (b"\4\1\0\x50\xc0\0\2\1\0", b"\0\x5a" + bytes(6)),
        (OPTIONS, b"\x84\0\0\0\x0f\0\0\0\0"),
        (b"\5\1\0", b"\5\0"),
        (b"\4" + b"\xff" * 30, b""),
    ],
)


def test_options_alone_wait(ask):
    assert ask(cassandra, OPTIONS) is MORE
