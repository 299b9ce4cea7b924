from __future__ import annotations

import pytest

from pywall_core.kernel.marks import GENERATIONS, MAX_WORKERS, Marks, next_generation

SHIFTS = pytest.mark.parametrize("shift", [0, 8, 15])


def test_marks_default_mask_is_the_documented_one() -> None:
    assert Marks().mask == 0x01FFFF00
    assert Marks.from_mask(0x01FFFF00) == Marks(8)


@SHIFTS
def test_marks_fields_are_disjoint_and_fill_the_mask(shift: int) -> None:
    m = Marks(shift)
    fields = [m.original, m.reply, m.generation_mask, m.worker_mask, m.reject]
    assert sum(fields) == m.mask
    together = 0
    for field in fields:
        assert not together & field
        together |= field
    assert together < 1 << 32


@SHIFTS
def test_marks_values_stay_in_their_fields(shift: int) -> None:
    m = Marks(shift)
    assert {m.generation(n) & ~m.generation_mask for n in range(1, GENERATIONS + 1)} == {0}
    assert len({m.generation(n) for n in range(1, GENERATIONS + 1)} - {0}) == GENERATIONS
    assert {m.worker(n) & ~m.worker_mask for n in range(MAX_WORKERS)} == {0}
    assert len({m.worker(n) for n in range(MAX_WORKERS)} - {0}) == MAX_WORKERS
    assert len({m.accept, m.drop, m.reject_all, m.reject, 0}) == 5
    assert all(not mark & ~m.verdict_mask for mark in (m.accept, m.drop, m.reject_all, m.reject))
    assert m.accept_both == m.accept | m.accept_reply


@SHIFTS
def test_marks_from_mask_is_the_inverse(shift: int) -> None:
    assert Marks.from_mask(Marks(shift).mask) == Marks(shift)


@pytest.mark.parametrize("mask", [0, 1, 0x01FFFF01, 0x00FFFF00, 0x03FFFF00, 0xFFFFFFFF, 0xFFFF8000 << 1])
def test_marks_refuse_other_masks(mask: int) -> None:
    with pytest.raises(ValueError, match="17 neighbouring bits"):
        Marks.from_mask(mask)


def test_generations_never_are_zero_and_come_round() -> None:
    number, seen = 0, []
    for _ in range(GENERATIONS + 1):
        number = next_generation(number)
        seen.append(number)
    assert seen == [*range(1, GENERATIONS + 1), 1]
