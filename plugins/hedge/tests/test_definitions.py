"""What is computed over whole arrays, against its definition one byte or one pair at a time."""

from __future__ import annotations

from collections import Counter
from itertools import combinations
from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge.entropy import entropy, entropy_of
from pywall_hedge.framing import _coincide, without_repeats
from pywall_hedge.spread import without_constants

FEW_VALUES = st.lists(st.integers(0, 3), min_size=32, max_size=120).map(bytes)


def left_after_repeats(data: bytes) -> bytes:
    """The definition of `without_repeats`."""
    often = Counter(data[at : at + 4] for at in range(len(data) - 3))
    taken = {at + offset for at in range(len(data) - 3) if often[data[at : at + 4]] > 1 for offset in range(4)}
    if 3 * len(taken) > len(data):
        return data
    return bytes(byte for at, byte in enumerate(data) if at not in taken)


@given(st.one_of(st.binary(min_size=32, max_size=200), FEW_VALUES), st.integers(0, 8), st.integers(0, 200))
def test_four_bytes_that_occur_again_are_left_out(data: bytes, size: int, place: int) -> None:
    data = data[:place] + data[:size] + data[place:]
    assert without_repeats(data) == left_after_repeats(data)


@given(st.integers(4, 24), st.integers(1, 12), st.integers(2, 256), st.randoms(use_true_random=False))
def test_pairs_of_messages_with_the_same_value_are_counted(number: int, width: int, values: int, rng: Random) -> None:
    table = np.array([[rng.randrange(values) for _ in range(width)] for _ in range(number)], dtype=np.uint8)
    expected = number * (number - 1) / 512
    for column, explained in zip(table.T.tolist(), _coincide(table).tolist(), strict=True):
        pairs = sum(one == other for one, other in combinations(column, 2))
        assert explained == (pairs >= expected + 4 * expected**0.5 + 2.5)


def others(payload: bytes) -> bytes | None:
    """The definition of `without_constants`, for payloads without zeros: the first period that fits."""
    glance = payload[:96]
    often = len({*glance}) <= 77 and 2 * sum(one == other for one, other in combinations(glance, 2)) >= 52
    for period in (4, 3, 2, *((8, 7, 6, 5, *range(9, 18)) if often else ())):
        values = [len({*payload[start : start + 24 * period : period]}) for start in range(period)]
        if 24 * period > len(payload) or (period > 4 and any(1 < number < 18 for number in values)):
            continue
        kept = {start for start in range(period) if values[start] > 1}
        rare = (payload[start::period] for start in range(period) if start not in kept)
        if 0 < len(kept) < period and all(len(part) - part.count(part[0]) <= len(part) // 32 for part in rare):
            return bytes(byte for at, byte in enumerate(payload) if at % period in kept)
    return None


@given(st.integers(2, 4), st.sets(st.integers(0, 3), min_size=1, max_size=3), st.integers(96, 200), st.data())
def test_bytes_between_constants_stay_in_their_order(
    period: int, same: set[int], size: int, data: st.DataObject
) -> None:
    drawn = data.draw(st.binary(min_size=size, max_size=size))
    payload = bytes(7 if at % period in same else byte or 1 for at, byte in enumerate(drawn))
    assert without_constants(payload) == others(payload)


@given(st.binary(max_size=2000))
def test_entropy_is_that_of_the_counts(payload: bytes) -> None:
    assert entropy(payload) == entropy_of([payload.count(value) for value in set(payload)])
