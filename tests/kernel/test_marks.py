"""Marks: tags that are drawn, kinds that are kept apart, masks of any shape."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.kernel.marks import (
    DEFAULT_MASK,
    GENERATIONS,
    LEAST_BITS,
    MAX_WORKERS,
    Marks,
    next_generation,
    tag_bits,
)

MASKS = st.sets(st.integers(0, 31), min_size=LEAST_BITS).map(lambda bits: sum(1 << bit for bit in bits))
WORKERS = st.integers(1, MAX_WORKERS)


def kinds(m: Marks) -> dict[str, int]:
    """What a connmark may say, for the worker with index 0."""
    return {
        "undecided": m.begin(0).value,
        "original": m.accept_original.value,
        "reply": m.accept_reply.value,
        "both": m.accept_all.value,
        "drop": m.drop_all.value,
        "rejected": m.rejected.value,
        "once": m.reject_once.value,
    }


@given(MASKS, WORKERS)
def test_marks_stay_within_their_mask_and_apart(mask: int, workers: int) -> None:
    m = Marks.draw(mask, workers)
    packet = [m.accept, m.accept_both, m.drop, m.reject_all, m.reject]
    connection = list(kinds(m).values())
    assert len(set(packet)) == 5
    assert len(set(connection)) == 7
    assert not any(value & ~mask for value in packet + connection)
    assert all(value & m.packet_ours.mask == m.packet_ours.value for value in packet)
    assert all(value & m.ours.mask == m.ours.value for value in connection)
    assert not any(value & m.packet_ours.mask == m.packet_ours.value for value in connection), "a restored connmark"
    assert not any(value & m.ours.mask == m.ours.value for value in packet), "a saved packet mark"
    assert 0 not in packet + connection


@given(WORKERS)
def test_marks_comparisons_mean_what_they_say(workers: int) -> None:
    m = Marks.draw(DEFAULT_MASK, workers)
    said = {
        name: {kind for kind, value in kinds(m).items() if value & pair.mask == pair.value}
        for name, pair in (("errors", m.errors_pass), ("dropped", m.all_dropped), ("original", m.accept_original))
    }
    assert said == {"errors": {"rejected", "once"}, "dropped": {"drop", "rejected"}, "original": {"original"}}
    owners = [
        [m.begin(i).value & m.worker(j).mask == m.worker(j).value for j in range(workers)] for i in range(workers)
    ]
    assert owners == [[i == j for j in range(workers)] for i in range(workers)]


@given(MASKS, WORKERS, st.sets(st.integers(0, 40)))
def test_marks_draw_tags_that_were_not_used(mask: int, workers: int, used: set[int]) -> None:
    m = Marks.draw(mask, workers, used)
    assert m.packet_tag != m.connection_tag
    assert {m.packet_tag, m.connection_tag}.isdisjoint(used | {0})
    assert max(m.packet_tag, m.connection_tag) < 1 << tag_bits(mask, workers)


def test_marks_are_drawn_at_random() -> None:
    drawn = {(m.packet_tag, m.connection_tag) for m in (Marks.draw(DEFAULT_MASK, 1) for _ in range(50))}
    assert len(drawn) > 45


@given(MASKS, WORKERS)
def test_marks_survive_json(mask: int, workers: int) -> None:
    m = Marks.draw(mask, workers)
    assert Marks.from_json(json.loads(json.dumps(m.as_json()))) == m


@pytest.mark.parametrize(
    "value", [None, 8, {}, {"mask": "x"}, {"mask": 1}, {"other": 1}, {"mask": 0x01FFFF00, "workers": 99}]
)
def test_marks_from_something_else_are_refused(value: object) -> None:
    if value == {}:
        assert Marks.from_json(value) == Marks()
        return
    with pytest.raises(ValueError, match=r"marks|bits|workers"):
        Marks.from_json(value)


@pytest.mark.parametrize("mask", [0, 1, 0xFF, 0x3FFF, 1 << 32])
def test_marks_refuse_masks_without_room(mask: int) -> None:
    with pytest.raises(ValueError, match="fewer than 15 bits"):
        Marks(mask)


def test_generations_never_are_zero_and_come_round() -> None:
    number, seen = 0, []
    for _ in range(GENERATIONS + 1):
        number = next_generation(number)
        seen.append(number)
    assert seen == [*range(1, GENERATIONS + 1), 1]
