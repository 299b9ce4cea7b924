"""STUN over UDP and TCP, with and without the magic cookie."""

from pywall_protocols.voip import stun

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract

TRANSACTION = bytes(range(1, 13))


def message(kind: int, attributes: bytes = b"", cookie: bytes = stun.COOKIE) -> bytes:
    return kind.to_bytes(2, "big") + len(attributes).to_bytes(2, "big") + cookie + TRANSACTION + attributes


SOFTWARE = b"\x80\x22\0\5coturn"[:9] + b"\0\0\0"
REQUEST = message(0x0001, SOFTWARE)
SUCCESS = message(0x0101, b"\0\x20\0\x08\0\1\xa1\x47\xe1\x12\xa6\x43")
CLASSIC = message(0x0001, b"\0\3\0\4\0\0\0\0", cookie=b"\x45\x58\x9a\x04")

#: Microsoft's: no padding after the 5 bytes of a user's name, nor after those of the realm
UNPADDED = message(
    0x0003,
    b"\0\x0f\0\4\x72\xc6\x4b\xc6" + b"\0\6\0\5hhhhh" + b"\0\x14\0\6xxxxxx" + b"\x80\x08\0\4\0\0\0\6",
)

TestOverUdp = detector_contract(
    stun,
    transport="udp",
    positives=[
        (REQUEST, SUCCESS),
        (REQUEST, b""),
        (b"", SUCCESS),
        (CLASSIC, b""),
        (message(0x0016), b""),
        (message(0x0802), b""),
        (UNPADDED, b""),
    ],
    negatives=[
        (REQUEST[:-1], b""),
        (REQUEST + b"\0", b""),
        (message(0x0001, b"\0\x20\0\xff\0\0\0\0"), b""),
        (message(0x0031, cookie=b"\1\2\3\4"), b""),
        (message(0x0003, b"\0\3\0\4\0\0\0\0", cookie=b"\1\2\3\4"), b""),
        (b"\0\1\0\0" + bytes(16), b""),
        (message(0x0600), b""),
    ],
)
TestOverTcp = detector_contract(
    stun,
    transport="tcp",
    positives=[
        (message(0x0003, SOFTWARE) + REQUEST, message(0x0103)),
        (b"\0\x20" + REQUEST, b"\0\x20" + SUCCESS),
    ],
    negatives=[
        (b"\3\0\0\x13\x0e\xe0" + bytes(20), b""),
        (CLASSIC, b""),
        (b"GET / HTTP/1.1\r\n\r\n", b""),
        (message(0x0600), b""),
    ],
)


def test_facts(ask):
    assert ask(stun, [REQUEST], [SUCCESS]) == Match("stun", {"method": "binding", "software": "cotur"})


def test_indications_alone_confirm_nothing(ask):
    """Data of both ways in them is what a tunnel would have."""
    data = b"\0\x13\0\x08" + bytes(range(8))
    for kinds in ((0x0016, 0x0017), (0x0001, 0x0001), (0x0011, 0x0011)):
        answer = ask(stun, [message(kinds[0], data)], [message(kinds[1], data)])
        assert (answer.protocol, answer.confirmed, answer.done) == ("stun", False, False)
    late = message(0x0101, SOFTWARE)
    assert ask(stun, [REQUEST], [message(0x0001), late]).confirmed
    other = late[:8] + bytes(12) + late[20:]
    assert not ask(stun, [REQUEST], [other]).confirmed


def test_over_tcp_the_cookie_is_awaited(ask):
    assert ask(stun, REQUEST[:7]) is MORE
    assert ask(stun, CLASSIC[:12]) is NO


def test_microsofts_framing_over_tcp(ask):
    answer = ask(stun, b"\2\0" + len(UNPADDED).to_bytes(2, "big") + UNPADDED)
    assert answer.protocol == "stun"
    assert answer.facts == {"method": "allocate"}
    assert ask(stun, b"\2\1" + len(UNPADDED).to_bytes(2, "big") + UNPADDED) is NO
