"""Messages of serialisers end where their bytes do; random ones do not."""

import random
import struct

import pytest
from pywall_hedge.beginning import is_bare
from pywall_hedge.serialised import is_serialised

RNG = random.Random(3)
KEY, SIGNATURE = RNG.randbytes(32), RNG.randbytes(64)
MESSAGES = {
    "protobuf": b"\x0a\x20" + KEY + b"\x12\x40" + SIGNATURE,
    "protobuf with numbers": b"\x08\x96\x01\x11" + bytes(8) + b"\x1d\1\2\3\4\x22\x40" + SIGNATURE,
    "messagepack": b"\x83\xa2id\xcd\x12\x34\xa3sig\xc4\x40" + SIGNATURE + b"\xa4hash\xc4\x20" + KEY,
    "messagepack, long": b"\xde\0\1\xa1k\xdc\0\3\xc0\xc3\xcb" + bytes(8),
    "messagepack, extension": b"\x91\xd8\1" + KEY[:16],
    "cbor": b"\xa2\x01\x58\x20" + KEY + b"\x02\x58\x40" + SIGNATURE,
    "cbor behind a tag": b"\xd2\x84\x43\xa1\x01\x26\xa0\x44abcd\x58\x40" + SIGNATURE,
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_whole_message_is_one(name: str) -> None:
    message = MESSAGES[name]
    assert is_serialised(message)
    assert not is_serialised(message[:-1])
    assert not is_serialised(message + b"\x07")


def test_a_message_of_a_serialiser_is_not_bare() -> None:
    assert not is_bare(MESSAGES["protobuf"])
    assert not is_bare(MESSAGES["messagepack"])
    assert not is_bare(MESSAGES["cbor"])


def test_random_bytes_hardly_ever_are_one() -> None:
    found = sum(is_serialised(RNG.randbytes(RNG.randrange(96, 1000))) for _ in range(4000))
    assert found <= 20


@pytest.mark.parametrize(
    "data", [b"", b"\xdc", b"\xdf\xff\xff\xff\xff", b"\xbb" + b"\xff" * 8, b"\x80", b"\x0a" + b"\xff" * 12]
)
def test_what_is_cut_off_or_claims_too_much_raises_nothing(data: bytes) -> None:
    assert is_serialised(data) == (data == b"\x80")


def test_all_short_ones_are_read_without_an_exception() -> None:
    for _ in range(3000):
        is_serialised(RNG.randbytes(RNG.randrange(12)))
        is_serialised(struct.pack(">BQ", RNG.randrange(256), RNG.getrandbits(64)))
