"""Shapes of covert and benign flows through the ready-made policy. The classifier is never trained on these."""

from __future__ import annotations

import pytest

from .score import all_shapes, score, summary
from .sessions import Shape

COVERT = [shape for shape in all_shapes() if shape.covert]
BENIGN = [shape for shape in all_shapes() if not shape.covert]
#: shares of flows that came out right, rising with the classifier
LEAST_BLOCKED, LEAST_PASSED = 0.94, 0.97


def test_there_are_enough_shapes_of_both_sorts() -> None:
    assert len(COVERT) >= 60
    assert len(BENIGN) >= 60


@pytest.mark.parametrize("shape", COVERT[::7] + BENIGN[::7], ids=lambda shape: shape.name)
def test_a_shape_repeats_with_its_seed(shape: Shape) -> None:
    first, again, other = (next(shape.sessions(1, seed)).turns for seed in (5, 5, 6))
    assert first == again
    assert first
    assert not shape.covert or first != other


@pytest.mark.slow
def test_covert_shapes_are_blocked() -> None:
    rows = list(score(COVERT, 3, seed=11))
    flows = sum(len(row.outcomes) for row in rows)
    missed = [row.text() for row in rows if row.good < len(row.outcomes)]
    assert sum(row.good for row in rows) >= LEAST_BLOCKED * flows, "\n".join([summary(rows, covert=True), *missed])


@pytest.mark.slow
def test_benign_shapes_pass() -> None:
    rows = list(score(BENIGN, 3, seed=11))
    flows = sum(len(row.outcomes) for row in rows)
    dropped = [row.text() for row in rows if row.good < len(row.outcomes)]
    assert sum(row.good for row in rows) >= LEAST_PASSED * flows, "\n".join([summary(rows, covert=False), *dropped])
