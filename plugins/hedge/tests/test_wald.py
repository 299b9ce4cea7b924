"""The thresholds of the sequential test, and the error rates that they promise."""

import random
from math import exp, log

import pytest
from pywall_hedge.wald import bounded, logit, sigmoid, thresholds


def test_thresholds_follow_from_the_error_rates():
    upper, lower = thresholds(0.01, 0.05)
    assert upper == pytest.approx(log(95))
    assert lower == pytest.approx(log(0.05 / 0.99))


def test_the_promised_error_rates_are_kept():
    """A coin of 0.6 against one of 0.4: the test ends wrongly as seldom as it says."""
    limits, step, rng = thresholds(0.02, 0.05), log(0.6 / 0.4), random.Random(1)

    def ends(chance):
        odds = 0.0
        while limits.lower < odds < limits.upper:
            odds += step if rng.random() < chance else -step
        return odds >= limits.upper

    assert sum(ends(0.4) for _ in range(2000)) <= 0.03 * 2000
    assert sum(not ends(0.6) for _ in range(2000)) <= 0.07 * 2000


def test_odds_and_probabilities():
    for probability in (0.01, 0.5, 0.8):
        assert sigmoid(logit(probability)) == pytest.approx(probability)
    assert sigmoid(1e6) == 1
    assert sigmoid(-1e6) < 1e-9


@pytest.mark.parametrize("alike", [0.003, 0.35])
def test_look_alikes_bound_the_ratio(alike):
    ratios = [bounded(value, alike) for value in (-800.0, -5.0, 0.0, 1.0, 5.0, 800.0)]
    assert ratios == sorted(ratios)
    assert ratios[-1] == pytest.approx(log(1 / alike))
    assert bounded(0.0, alike) == pytest.approx(0, abs=1e-12)
    assert ratios[3] == pytest.approx(-log((1 - alike) * exp(-1) + alike))
