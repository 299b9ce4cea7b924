"""MELSEC."""

from pywall_protocols.industrial import melsec

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

#: as recorded
ASK = bytes.fromhex("57010000001111070000ffff030000fe03000020001c0a16140000000000000000000000000000") + bytes(14)
SAY = bytes.fromhex("d70100000011117f000000a80300ffff03000038009c0a18140000000000000000000000000000") + bytes(38)
#: by the manual: five words read, as the 3E and the 4E frame
READ = bytes.fromhex("500000ffff0300 0c00 1000 01040000 640000a8 0500")
VALUES = bytes.fromhex("d00000ffff0300 0c00 0000") + bytes(10)
READ_4E = bytes.fromhex("540034120000 00ffff0300 0c00 1000 01040000 640000a8 0500")
VALUES_4E = bytes.fromhex("d40034120000 00ffff0300 0c00 0000") + bytes(10)

PAIRS = ((ASK, SAY), (READ, VALUES), (READ_4E, VALUES_4E))
NEGATIVES = (
    READ.replace(b"\1\4\0\0", b"\1\5\0\0"),
    READ.replace(b"\xff\3\0", b"\xff\5\0"),
    b"\x57" + b"ITH what is said in words, not a frame of a controller",
    b"PUT /a HTTP/1.1\r\nHost: a.example\r\n\r\n",
)

TestMelsec = detector_contract(
    melsec,
    [conversation().client(ask).server(say) for ask, say in PAIRS],
    [conversation().client(data) for data in NEGATIVES],
    transport="tcp",
)
TestMelsecOverUdp = detector_contract(
    melsec,
    [conversation("udp").client(ask).server(say) for ask, say in PAIRS],
    [
        *(conversation("udp").client(data) for data in NEGATIVES),
        *(conversation("udp").client(ask + b"\0") for ask, _ in PAIRS),
    ],
    transport="udp",
)


def test_the_answer_repeats_the_number(ask):
    for asks, says in PAIRS:
        assert ask(melsec, asks, says).confirmed
        assert not ask(melsec, asks, says[:1] + b"\x77" + says[2:]).confirmed
        assert not ask(melsec, asks, b"\xd7" * 60).confirmed
    assert ask(melsec, READ[:14]) is MORE
    assert ask(melsec, b"W" * 30) is NO
    assert ask(melsec, ASK).facts == {"frame": "melsoft"}
