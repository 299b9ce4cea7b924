"""Aerospike: messages and info requests."""

from pywall_protocols.databases import aerospike

from pywall_core.testing import detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

INFO = b"\2\1\0\0\0\0\0\6build\n"
MESSAGE = b"\2\3\0\0\0\0\0\x20\x16\3" + bytes(30)

TestAerospike = detector_contract(
    aerospike,
    [(INFO, b"\2\1\0\0\0\0\0\x0bbuild\t6.0\n"), (MESSAGE, MESSAGE), (MESSAGE, b"")],
    [(b"\2\3\0\0\0\0\0\x20\x17", b""), (b"\2\7\0\0\0\0\0\x20\x16", b""), (b"\2" + NOISE, NOISE)],
)


def test_both_sides_confirm(ask):
    assert ask(aerospike, MESSAGE, MESSAGE).confirmed
    assert not ask(aerospike, MESSAGE, INFO).confirmed
