"""L2TP."""

import pytest
from pywall_protocols.tunnels import l2tp

from pywall_core.testing import conversation, detector_contract, udp_packet


def control(version, values):
    return b"\xc8" + bytes([version]) + (12 + len(values)).to_bytes(2, "big") + bytes(8) + values


START = control(2, b"\x80\x08\0\0\0\0\0\1" + b"\x80\x08\0\0\0\2\1\0")
EMPTY = control(2, b"")

INNER = udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"inner")


def data_message(flags, extra, inner):
    """Return a data message with its length where the flags say so."""
    size = 6 + (2 if flags & 0x40 else 0) + len(extra) + len(inner)
    return bytes([flags, 2]) + (size.to_bytes(2, "big") if flags & 0x40 else b"") + b"\xdb\x58\0\x18" + extra + inner


DATA = [
    data_message(0x40, b"", b"\xff\3\0\x21" + INNER),
    data_message(0x00, b"", b"\0\x21" + INNER),
    data_message(0x48, b"\0\1\0\2", b"\xff\3\0\x21" + INNER),
    data_message(0x02, b"\0\3abc", b"\0\x21" + INNER),
    data_message(0x40, b"", b"\xff\3\xc0\x21\1\7\0\x0a\5\6\1\2\3\4"),
]
TestL2tp = detector_contract(
    l2tp,
    [
        conversation("udp").client(START).server(START),
        conversation("udp").client(EMPTY),
        *(conversation("udp").client(data).server(DATA[0]) for data in DATA),
    ],
    [
        *(conversation("udp").client(data + b"\0") for data in DATA),
        conversation("udp").client(DATA[0].replace(b"\0\x21", b"\0\x23")),
        conversation("udp").client(data_message(0x02, b"\xff\xff", b"\0\x21" + INNER)),
        conversation("udp").client(START + b"\0"),
        conversation("udp").client(control(4, b"")),
        conversation("udp").client(control(2, b"\x80\x08\0\0\0\7\0\1")),
    ],
)


@pytest.mark.parametrize("version", [2, 3])
def test_facts(ask, version):
    assert ask(l2tp, [control(version, b"\0\x08\0\0\0\0\0\1")]).facts == {"version": version}
