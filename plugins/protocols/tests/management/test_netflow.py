"""NetFlow and IPFIX."""

import pytest
from pywall_protocols.management import netflow

from pywall_core.testing import conversation, detector_contract


def words(*numbers):
    return b"".join(number.to_bytes(4, "big") for number in numbers)


V1 = b"\0\1\0\2" + bytes(12) + bytes(2 * 52)
V5 = b"\0\5\0\1" + words(60000, 1700000000, 0, 1, 0) + bytes(48)
V7 = b"\0\7\0\1" + words(60000, 1700000000, 0, 1, 0) + bytes(52)
V9 = b"\0\x09\0\1" + words(60000, 1700000000, 1, 42) + bytes.fromhex("00000014 01000003 00080004 000c0004 00070002")
IPFIX = b"\0\x0a\0\x24" + words(1700000000, 1, 42) + bytes.fromhex("00020014 01000003 00080004 000c0004 00070002")

TestNetflow = detector_contract(
    netflow,
    [conversation("udp").client(data) for data in (V1, V5, V7, V9, IPFIX)],
    [
        conversation("udp").client(V5 + b"\0"),
        conversation("udp").client(V9[:-1]),
        conversation("udp").client(IPFIX + b"\0"),
        conversation("udp").client(V9.replace(b"\0\0\0\x14", b"\0\5\0\x14")),
        conversation("udp").client(b"\0\5\0\0" + bytes(20)),
    ],
)


@pytest.mark.parametrize(("data", "version"), [(V1, 1), (V5, 5), (V7, 7), (V9, 9), (IPFIX, 10)])
def test_facts(ask, data, version):
    assert ask(netflow, [data]).facts == {"version": version}
