"""MMS."""

from pywall_protocols.industrial import mms

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def packet(data):
    body = b"\x02\xf0\x80" + data
    return b"\3\0" + (4 + len(body)).to_bytes(2, "big") + body


OPENING = bytes.fromhex("03000016 11e00000000700c1020100c2020102c0010a")
CONNECT = packet(b"\x0d\x20\xc1\x1e\x31\x1c" + bytes(22) + b"\x06\x04\x28\xca\x22\x02")
READ = bytes.fromhex("a005020101a400")
DATA = packet(b"\1\0\1\0\x61\x0e\x30\x0c\x02\x01\x03\xa0\x07" + READ)
BARE = packet(bytes.fromhex("a808 800101 810101 8200"))

TestMms = detector_contract(
    mms,
    [
        conversation().client(OPENING + CONNECT).server(OPENING.replace(b"\xe0", b"\xd0") + DATA),
        conversation().client(DATA),
        conversation().client(OPENING + BARE),
    ],
    [
        conversation().client(OPENING + packet(b"\x0d\x08no syntax")),
        conversation().client(packet(b"\1\0\1\0\x61\x0e\x30\x0c\x02\x01\x03\xa0\x07" + b"\x90" + READ[1:])),
        conversation().client(OPENING + packet(b"\xa8\x05\x80\1\1")),
        conversation().client(OPENING + packet(b"\x32\1\0\0\0\0\0\x08\0\0\xf0\0\0\1\0\1\1\xe0")),
    ],
)


def test_confirmed_by_the_other_side(ask):
    assert ask(mms, OPENING + CONNECT, DATA).confirmed


def test_a_cut_connect_is_open(ask):
    assert ask(mms, CONNECT[:20]) is MORE
    assert ask(mms, packet(b"\x0d\x20" + bytes(32))) is NO
