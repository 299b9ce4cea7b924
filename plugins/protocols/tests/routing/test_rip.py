"""RIP."""

import pytest
from pywall_protocols.routing import rip

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract

ROUTE = bytes.fromhex("00020000 c0000200 ffffff00 00000000 00000001")
V2 = b"\2\2\0\0" + bytes.fromhex("ffff0002") + b"secret".ljust(16, b"\0") + ROUTE * 2
V1 = b"\2\1\0\0" + bytes.fromhex("00020000 c0000200 00000000 00000000 00000010")
ASK = b"\1\2\0\0" + bytes(16) + b"\0\0\0\x10"

#: as recorded: two networks of the 6bone, and a next hop before its route
NG = b"\2\1\0\0" + bytes.fromhex(
    "3ffe0501040401000000000000000000 0000 40 04" + "3ffe2b00000000000000000000000000 0000 18 03"
)
HOP = b"\2\1\0\0" + bytes.fromhex(
    "fe800000000000000000000000000001 0000 00 ff" + "20010db8000000000000000000000000 0000 20 01"
)

TestRip = detector_contract(
    rip,
    [conversation("udp").client(data) for data in (V2, V1, ASK, NG, HOP)],
    [
        conversation("udp").client(V1 + b"\0"),
        conversation("udp").client(V1[:-1] + b"\x11"),
        conversation("udp").client(b"\2\1\0\0" + ROUTE),
        conversation("udp").client(b"\2\2\0\0"),
        conversation("udp").client(NG[:-2] + b"\x13\3"),
        conversation("udp").client(NG[:-1] + b"\0"),
        conversation("udp").client(NG + b"\0"),
    ],
)


@pytest.mark.parametrize(
    ("data", "version", "command"), [(V2, 2, "response"), (V1, 1, "response"), (ASK, 2, "request")]
)
def test_facts(ask, data, version, command):
    assert ask(rip, [data]).facts == {"version": version, "command": command}


def test_other_families(ask):
    assert ask(rip, [b"\2\2\0\0\0\5" + ROUTE[2:]]) is NO


def test_of_ipv6(ask):
    assert ask(rip, [NG]).protocol == ask(rip, [HOP]).protocol == "ripng"
    assert ask(rip, [NG]).facts == {"version": 1, "command": "response"}
    assert ask(rip, [V1]).protocol == "rip"
