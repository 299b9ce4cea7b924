"""What repeats an opening, whole or with few bytes changed."""

import pytest

from pywall_core.detection.copies import copied, copied_datagrams

OPENING = bytes(range(1, 69))


def changed(data: bytes, *places: int) -> bytes:
    return bytes(byte ^ 0x55 if at in places else byte for at, byte in enumerate(data))


@pytest.mark.parametrize(
    ("other", "length"),
    [
        (OPENING, 68),
        (OPENING[:20], 20),
        (OPENING + b"more", 68),
        (changed(OPENING, 0), 68),
        (changed(OPENING, 3, 9, 20, 31, 40, 52, 67), 68),
        (bytes(68), 0),
        (b"", 0),
        (b"\x55" * 4 + OPENING[4:], 68),
    ],
)
def test_few_bytes_may_differ(other: bytes, length: int) -> None:
    assert copied(OPENING, other) == copied(other, OPENING) == length


def test_a_copy_ends_where_other_things_begin() -> None:
    noise = bytes(reversed(range(100, 200)))
    length = copied(OPENING + bytes(100), changed(OPENING, 5) + noise)
    assert 68 <= length < 68 + 8


def test_of_long_ones_more_bytes_may_differ() -> None:
    long = bytes(1200)
    assert copied(long, changed(long, *range(200, 1200, 20))) == 1200
    assert copied(long, changed(long, *range(200, 1200, 5))) < 1200


def test_of_short_ones_one_in_four() -> None:
    assert copied(b"\1\2\3\4", b"\1\2\3\5") == 4
    assert copied(b"\1\2\3\4", b"\1\2\6\5") == 2


def test_datagrams_are_compared_in_their_order() -> None:
    one, other = OPENING + b"second one", changed(OPENING, 7) + b"another"
    assert copied_datagrams(one, other, (68, 10), (68, 7)) == (68,)
    assert copied_datagrams(one, changed(one, 7, 70), (68, 10), (68, 10)) == (68, 10)
    assert copied_datagrams(one, OPENING + b"tail", (68, 10), (72,)) == (68,)
    assert copied_datagrams(one, b"", (68, 10), ()) == ()
