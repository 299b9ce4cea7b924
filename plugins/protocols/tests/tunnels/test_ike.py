"""IKE."""

import pytest
from pywall_protocols.tunnels import ike

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract


def message(major, exchange, body=b"\0" * 40, responder=bytes(8)):
    header = b"initiate" + responder + bytes([1 if major == 1 else 33, major << 4, exchange, 8 if major == 2 else 0])
    return header + bytes(4) + (28 + len(body)).to_bytes(4, "big") + body


MARKER = bytes(4)
INIT = message(2, 34)

TestIke = detector_contract(
    ike,
    [
        conversation("udp").client(INIT).server(message(2, 34, responder=b"response")),
        conversation("udp").client(message(1, 2)).server(message(1, 2, responder=b"response")),
        conversation("udp").client(message(1, 4)),
        conversation("udp").client(MARKER + message(2, 35)),
    ],
    [
        conversation("udp").client(INIT[:-1]),
        conversation("udp").client(bytes(8) + INIT[8:]),
        conversation("udp").client(b"\x12\x34\x56\x78" + b"\0\0\0\1" + bytes(range(80))),
    ],
)


def test_facts(ask):
    assert ask(ike, [INIT]).facts == {
        "version_major": 2,
        "version_minor": 0,
        "init_spi": b"initiate".hex(),
        "resp_spi": "0" * 16,
        "exchange_type": 34,
    }


@pytest.mark.parametrize(("major", "exchange"), [(1, 34 + 1), (2, 2), (3, 34), (0, 2)])
def test_exchanges_belong_to_versions(ask, major, exchange):
    assert ask(ike, [message(major, exchange)]) is NO
