"""ZeroTier: a HELLO, and an answer to its sender."""

from pywall_protocols.tunnels import zerotier

from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

A, B = bytes.fromhex("8056c2e21c"), bytes.fromhex("1d20dce1aa")
HELLO = NOISE[:8] + A + B + b"\0" + NOISE[:8] + b"\1" + b"\x0c\1\x0c\0\2" + NOISE[:80]
OK = NOISE[8:16] + B + A + b"\x08" + NOISE[:90]

TestZerotier = detector_contract(
    zerotier,
    [conversation("udp").client(HELLO).server(OK), conversation("udp").client(HELLO)],
    [conversation("udp").client(HELLO[:27] + b"\7" + HELLO[28:]), conversation("udp").client(NOISE)],
)


def test_the_exchanged_addresses_confirm(ask):
    assert ask(zerotier, [HELLO], [OK]).confirmed
    assert not ask(zerotier, [HELLO], [NOISE]).confirmed
