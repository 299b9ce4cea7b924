"""RADIUS."""

from pywall_protocols.access import radius

from pywall_core.testing import conversation, detector_contract


def message(code, attributes, padding=b""):
    return bytes([code, 7]) + (20 + len(attributes)).to_bytes(2, "big") + bytes(range(16)) + attributes + padding


USER = b"\1\7alice"
REQUEST = message(1, USER + b"\2\x12" + bytes(16) + b"\4\6\xc0\0\2\1")
ACCEPT = message(2, b"\x08\6\xc0\0\2\x63")

TestRadius = detector_contract(
    radius,
    [
        conversation("udp").client(REQUEST).server(ACCEPT),
        conversation("udp").client(message(5, b"")),
        conversation("udp").client(message(4, USER, padding=b"\0" * 8)),
        conversation("udp").client(message(1, USER + b"\4\6\xc0\0\2\1" + b"\x1a\xff..")),
        conversation("udp").client(message(1, b"\1\x64alice@example.org" + b"\1\xff" + bytes(60))),
        conversation("udp").client(message(1, b"\1\7alicia" + bytes(20))),
        conversation("udp").client(message(1, b"\x1aZ\0\0\x57\xc8\x0e\4US" + b"\1\1" + bytes(90))),
    ],
    [
        conversation("udp").client(REQUEST[:-1]),
        conversation("udp").client(message(6, USER)),
        conversation("udp").client(message(2, b"\xff\xffuser" + bytes(range(200, 256)) * 4)),
        conversation("udp").client(message(1, b"\1\1alice")),
        conversation("udp").client(message(1, b"\1\4ab", padding=b"\0" * 32)),
    ],
)


def test_facts(ask):
    assert ask(radius, [REQUEST], [ACCEPT]).facts == {"code": "access-request", "user_name": "alice"}
