"""L2TP."""

import pytest
from pywall_protocols.tunnels import l2tp

from pywall_core.testing import conversation, detector_contract


def control(version, values):
    return b"\xc8" + bytes([version]) + (12 + len(values)).to_bytes(2, "big") + bytes(8) + values


START = control(2, b"\x80\x08\0\0\0\0\0\1" + b"\x80\x08\0\0\0\2\1\0")
EMPTY = control(2, b"")

TestL2tp = detector_contract(
    l2tp,
    [conversation("udp").client(START).server(START), conversation("udp").client(EMPTY)],
    [
        conversation("udp").client(START + b"\0"),
        conversation("udp").client(control(4, b"")),
        conversation("udp").client(control(2, b"\x80\x08\0\0\0\7\0\1")),
    ],
)


@pytest.mark.parametrize("version", [2, 3])
def test_facts(ask, version):
    assert ask(l2tp, [control(version, b"\0\x08\0\0\0\0\0\1")]).facts == {"version": version}
