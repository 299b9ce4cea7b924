"""collectd."""

from pywall_protocols.management import collectd

from pywall_core.testing import conversation, detector_contract


def part(kind, body):
    return kind.to_bytes(2, "big") + (4 + len(body)).to_bytes(2, "big") + body


HOST = part(0, b"host.example\0")
TIME = part(8, bytes(8))
VALUES = part(6, b"\0\1\1" + bytes(8))
PLAIN = HOST + TIME + part(2, b"cpu\0") + VALUES
SIGNED = part(0x200, bytes(32) + b"user") + PLAIN
ENCRYPTED = part(0x210, b"\0\4user" + bytes(60))

TestCollectd = detector_contract(
    collectd,
    [conversation("udp").client(data) for data in (PLAIN, SIGNED, ENCRYPTED)],
    [
        conversation("udp").client(data)
        for data in (PLAIN[:-1], HOST, part(0, b"host") + TIME, HOST + part(8, bytes(7)), HOST + part(99, bytes(8)))
    ],
)


def test_facts(ask):
    assert ask(collectd, [PLAIN]).facts == {"host": "host.example"}
    assert ask(collectd, [ENCRYPTED]).facts == {}
