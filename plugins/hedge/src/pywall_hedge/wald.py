"""Wald's sequential test (A. Wald, Sequential Analysis, 1947, chapter 3): two thresholds from the wanted error rates.

The log-likelihood ratio of "encrypted" against "not" is compared after each payload. At the upper threshold at most
`false_drop` of the flows that are not encrypted end; at the lower at most `miss` of the encrypted ones.
"""

from __future__ import annotations

from math import exp, log
from typing import NamedTuple


class Thresholds(NamedTuple):
    """Log-odds (nats) at which the test ends: `upper` for encrypted, `lower` for not encrypted."""

    upper: float
    lower: float


def thresholds(false_drop: float, miss: float) -> Thresholds:
    """Return the thresholds for the wanted error rates, each above 0 and below 0.5."""
    return Thresholds(log((1 - miss) / false_drop), log(miss / (1 - false_drop)))


def logit(probability: float) -> float:
    """Return the log-odds (nats) of a probability between 0 and 1, both excluded."""
    return log(probability / (1 - probability))


def sigmoid(odds: float) -> float:
    """Return the probability of log-odds in nats."""
    return 1 / (1 + exp(-max(min(odds, 500.0), -500.0)))


def bounded(ratio: float, alike: float) -> float:
    """Return a log-likelihood ratio that knows of look-alikes: a share `alike` (0 to 1) of the flows that are not
    encrypted looks exactly like ciphertext (a range coder's output in mid-stream), so the ratio stays below log(1 /
    alike).
    """
    if ratio > 0:
        return -log((1 - alike) * exp(-ratio) + alike)
    return -(log((1 - alike) + alike * exp(ratio)) - ratio)
