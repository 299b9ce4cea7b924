"""DCE/RPC over TCP and over datagrams."""

from struct import pack

import pytest
from pywall_protocols.remote import dcerpc

from pywall_core.api import MORE, Match
from pywall_core.testing import conversation, detector_contract

EPM = bytes.fromhex("0883afe11f5dc91191a408002b14a0fa")


def fragment(kind, body, representation=b"\x10\0\0\0", order="<"):
    return b"\5\0" + bytes([kind, 3]) + representation + pack(order + "HHI", 16 + len(body), 0, 1) + body


BIND = fragment(11, b"\xd0\x16\xd0\x16" + bytes(4) + b"\1\0\0\0" + b"\0\0\1\0" + EPM + b"\3\0\0\0" + bytes(20))
ACK = fragment(12, b"\xd0\x16\xd0\x16" + bytes(4) + b"\4\000135\0" + bytes(32))


def datagram(kind, body=b"", flags=b"\x20\0"):
    return b"\4" + bytes([kind]) + flags + b"\x10\0\0\0" + bytes(66) + pack("<H", len(body)) + bytes(4) + body


TestContractTcp = detector_contract(
    dcerpc,
    positives=[
        (BIND, ACK),
        (BIND, b""),
        (fragment(0, bytes(24), bytes(4), ">"), fragment(2, bytes(16), bytes(4), ">")),
    ],
    negatives=[
        (b"\5\1\0", b"\5\0"),
        (b"\5\1\0\5\1\0\1\x0a\0\0\1\0\x50GET / HTTP", b"\5\0\5\0\0\1" + bytes(6)),
        (fragment(99, bytes(30)), b""),
        (fragment(11, bytes(30), b"\x77\0\0\0"), b""),
        (b"\5" + b"\xff" * 40, b""),
    ],
)
TestContractUdp = detector_contract(
    dcerpc,
    positives=[conversation("udp").client(datagram(0, b"request")).server(datagram(2, b"response"))],
    negatives=[
        conversation("udp").client(datagram(0, b"request") + b"more"),
        conversation("udp").client(b"\4" + bytes(40)),
    ],
    transport="udp",
)


def test_facts(ask):
    assert ask(dcerpc, BIND, ACK) == Match("dcerpc", {"interface": "e1af8308-5d1f-11c9-91a4-08002b14a0fa"})


@pytest.mark.parametrize("size", [1, 3, 15])
def test_beginnings_wait(ask, size):
    assert ask(dcerpc, BIND[:size]) is MORE
