"""The spectrum of bit windows against straightforward counting."""

import random

import numpy as np
import pytest
from pywall_hedge import features


def windows(payload, width, low_first):
    """Windows at each bit offset of all bytes but the last two, as numbers whose lowest bit came last, or first."""
    order = range(8) if low_first else range(7, -1, -1)
    bits = [byte >> place & 1 for byte in payload for place in order]
    found = (bits[at : at + width] for at in range(8 * (len(payload) - 2)))
    return [sum(bit << (place if low_first else width - 1 - place) for place, bit in enumerate(part)) for part in found]


@pytest.mark.parametrize("width", [10, 12])
@pytest.mark.parametrize("size", [32, 33, 200, 3002, 3003, 7000])
def test_windows_are_counted(width, size):
    payload = random.Random(size).randbytes(size)
    counts = features.spectrum(width).counts(payload)
    for row in (0, 1):
        expected = np.bincount(windows(payload + bytes(2), width, row == 1)[: 8 * (size - 2)], minlength=1 << width)
        assert (counts[row] == expected).all()


def squares(numbers, size, drop):
    """2**m * sum of the squared counts of m = size - drop bits: the lowest `size` bits without the lowest `drop`."""
    counts = np.bincount([(number & (1 << size) - 1) >> drop for number in numbers])
    return float(counts @ counts) * 2.0 ** (size - drop)


def test_scores_are_second_differences_of_psi_square():
    width, payload = 10, random.Random(7).randbytes(300)
    scores = features.spectrum(width).scores(payload).reshape(2, width)
    for row in (0, 1):
        numbers = windows(payload, width, row == 1)
        for span in range(2, width + 1):
            with_lowest = squares(numbers, span, 0) - squares(numbers, span - 1, 0)
            without = squares(numbers, span, 1) - squares(numbers, span - 1, 1)
            freedom = 2 ** (span - 2)
            expected = ((with_lowest - without) / len(numbers) - freedom) / (2 * freedom) ** 0.5
            assert scores[row, span - 1] == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_random_bytes_score_about_nothing():
    rng = random.Random(3)
    rows = np.array([features.features(rng.randbytes(1460)) for _ in range(300)])
    assert rows.shape == (300, 52)
    assert np.abs(np.median(rows[:, :20], axis=0)).max() < 0.5
    assert np.sinh(rows[:, :20]).std(axis=0).max() < 2.5


@pytest.mark.parametrize("payload", [bytes(32), b"\xff" * 16384, bytes(range(256)) * 8, b"abcd" * 9])
def test_features_of_odd_payloads_are_finite(payload):
    assert np.isfinite(features.features(payload)).all()
    assert np.isfinite(features.features(payload, 12)).all()
