"""Fixed bytes at fixed places."""

import pytest
from pywall_protocols.misc import patterns
from pywall_protocols.misc.patterns import PATTERNS

from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12


def datagram(pattern):
    """A datagram that the pattern describes, noise elsewhere."""
    size = max(pattern.shortest, 60) if pattern.longest > 60 else pattern.longest
    data = bytearray(NOISE[:size])
    for at, value in pattern.parts:
        begin = at if at >= 0 else size + at
        data[begin : begin + len(value)] = value
    return bytes(data)


EPIC = b"\x12\x34\x56\x01" + NOISE[:6] + bytes(24) + b"\1"
EPIC_ANSWER = b"\x12\x34\x56\x09" + NOISE[:40]

TestPatterns = detector_contract(
    patterns,
    [
        *(conversation("udp").client(datagram(p)) for p in PATTERNS),
        conversation("udp").client(EPIC).server(EPIC_ANSWER),
    ],
    [conversation("udp").client(NOISE), conversation("udp").client(EPIC).server(NOISE)],
)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_each_is_named_and_never_confirmed(ask, pattern):
    match = ask(patterns, [datagram(pattern)])
    assert (match.protocol, match.confirmed) == (pattern.name, False)
    assert {p.name for p in PATTERNS} | {"epicgames"} == set(patterns.protocols)
