"""PTP."""

import pytest
from pywall_protocols.management import ptp

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract


def message(kind, size, control, version=2):
    header = bytes([kind, version]) + size.to_bytes(2, "big") + bytes(28)
    return (header + bytes([control, 0])).ljust(size, b"\0")


SYNC = message(0, 44, 0)
ANNOUNCE = message(0x0B, 64, 5)

TestPtp = detector_contract(
    ptp,
    [
        conversation("udp").client(SYNC),
        conversation("udp").client(ANNOUNCE),
        conversation("udp").client(message(0x10 | 8, 44, 0, version=0x12) + b"\0\0"),
    ],
    [
        conversation("udp").client(SYNC[:-1]),
        conversation("udp").client(message(0, 44, 0, version=1)),
        conversation("udp").client(message(0x0B, 44, 5)),
        conversation("udp").client(SYNC + bytes(40)),
    ],
)


@pytest.mark.parametrize(("data", "name"), [(SYNC, "sync"), (ANNOUNCE, "announce")])
def test_facts(ask, data, name):
    assert ask(ptp, [data]).facts == {"message": name}


def test_the_control_field_belongs_to_the_message(ask):
    assert ask(ptp, [message(0, 44, 3)]) is NO
