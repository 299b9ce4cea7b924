"""TDS: PRELOGIN, LOGIN7, Sybase logins, batches and calls amid a connection."""

from pywall_protocols.databases import tds

from pywall_core.api import MORE
from pywall_core.testing import detector_contract


def packet(kind, body, status=1):
    return bytes([kind, status]) + (len(body) + 8).to_bytes(2, "big") + b"\0\0\1\0" + body


OPTIONS = b"\0\0\x15\0\6\1\0\x1b\0\1\2\0\x1c\0\1\3\0\x1d\0\0\xff\x08\0\1\x55\0\0\2"
LOGIN7 = b"\x56\1\0\0\4\0\0\x74" + bytes(0x14E)
BATCH = b"\x16\0\0\0\x12\0\0\0\2\0" + bytes(12) + "select 1".encode("utf-16-le")
SYBASE = b"host" + bytes(26) + b"\4" + bytes(473)

TestContract = detector_contract(
    tds,
    positives=[
        (packet(0x12, OPTIONS), packet(4, OPTIONS)),
        (packet(0x10, LOGIN7), packet(4, b"\xe3\x1b\0\1\6")),
        (packet(1, BATCH), packet(4, b"\x81\4\0")),
        (packet(1, "COMMIT TRANSACTION".encode("utf-16-le")), b""),
        (packet(3, b"\x0b\0" + "sp_executes".encode("utf-16-le")), b""),
        (packet(2, SYBASE), b""),
    ],
    negatives=[
        (b"\1\0\0\x10" + bytes(20), b""),
        (b"\x12\1\0\x34\0\0\0\0noptionshere", b""),
        (b"\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\3\0\0\0", b"\3\0\0\x13\x0e\xd0\0\0\0\0\0\2\0\x08\0\1\0\0\0"),
        (packet(2, b"x" * 504), b""),
        (packet(0x0F, b"anything of this length"), b"\4\0 some text"),
    ],
)


def test_a_header_alone_waits(ask):
    assert ask(tds, packet(0x12, OPTIONS)[:12]) is MORE


def test_short_packets_are_not_read_beyond(ask):
    assert not hasattr(ask(tds, packet(3, b"\5")), "protocol")
