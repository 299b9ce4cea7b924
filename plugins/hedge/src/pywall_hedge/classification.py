"""One payload: plain, compressed or encrypted, and how sure of it."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import Literal

from .entropy import entropy, random_entropy
from .heads import examine, marked

Label = Literal["plain", "compressed", "encrypted", "obfuscated"]
Method = Literal["learned", "hedge"]

SHORTEST = 32
"""Bytes below which only the share of printable text is asked."""
FORGEABLE, FRAMING = 32, 16
"""Bytes at the start that the statistics leave out: where a magic number is whose structure does not hold, and of
any payload from 1024 bytes up."""

_PRECISION = {  # bytes: (precision of "encrypted", of "not encrypted"), from the paper's table for gamma = 2
    1024: (0.625, 0.869),
    2048: (0.688, 0.897),
    4096: (0.756, 0.915),
    8192: (0.817, 0.923),
    16384: (0.870, 0.932),
    32768: (0.923, 0.932),
    65536: (0.959, 0.938),
}
_PLAIN_BELOW = 0.90
"""HEDGE knows no plain class: below this share of a random payload's entropy, a payload that failed is called plain."""


@dataclass(frozen=True, slots=True)
class Classification:
    """A verdict on a payload. `confidence`: 0 to 1, the probability that `label` is right where every class is as
    frequent as in training. `because`: name of the head structure or of the failed test that settled it, empty
    otherwise.
    """

    label: Label
    confidence: float
    because: str = ""


def classify(payload: bytes, method: str = "learned", *, gamma: float = 2.0, alpha: float = 0.01) -> Classification:
    """Tell whether a payload is plain, compressed or encrypted.

    `method`: "learned" looks for the head of a format first, then asks the model; "hedge" is the paper's test battery
    and nothing else, with `gamma` (0.1 to 2) and `alpha`. Never raises on any bytes; raises ValueError for another
    method.
    """
    if method not in ("learned", "hedge"):
        raise ValueError(f"no such method: {method!r}; learned and hedge are")
    payload = bytes(payload)
    if len(payload) < SHORTEST:
        return _short(payload)
    if method == "hedge":
        return _hedge(payload, gamma, alpha)
    if len(payload) < 64 and _printable(payload) >= 0.95:
        return Classification("plain", 0.9)
    name = examine(payload)
    if name is not None:
        return Classification("compressed", 0.99, name)
    return verdict(*log_odds(payload))


def log_odds(payload: bytes) -> tuple[float, float]:
    """Return the model's evidence in a payload of at least 32 bytes; see `pywall_hedge.model.log_odds`.

    What a sender can put in front for nothing is not asked: a magic number with nothing behind it, a frame's header.
    """
    from . import model

    skipped = FORGEABLE if marked(payload) else FRAMING if len(payload) >= 1024 else 0
    return model.log_odds(payload[min(skipped, len(payload) - SHORTEST) :])


def verdict(encrypted: float, plain: float) -> Classification:
    """Turn log-odds of encrypted against not and of plain against compressed into a classification."""
    if encrypted > 0:
        return Classification("encrypted", sigmoid(encrypted))
    return Classification("plain" if plain > 0 else "compressed", sigmoid(-encrypted) * sigmoid(abs(plain)))


def sigmoid(value: float) -> float:
    """Probability of log-odds `value`."""
    return 1 / (1 + exp(-max(min(value, 500.0), -500.0)))


def _printable(payload: bytes) -> float:
    return sum(32 <= byte < 127 or byte in b"\t\r\n" for byte in payload) / len(payload) if payload else 1.0


def _short(payload: bytes) -> Classification:
    if _printable(payload) >= 0.9 or len(set(payload)) < 0.6 * len(payload):
        return Classification("plain", 0.6)
    return Classification("encrypted", 0.5)


def _hedge(payload: bytes, gamma: float, alpha: float) -> Classification:
    from .hedge import failed

    size = min(max(len(payload), 1024), 65536)
    precision = _PRECISION[1 << size.bit_length() - 1]
    reason = failed(payload, gamma, alpha)
    if reason is None:
        return Classification("encrypted", precision[0])
    plain = entropy(payload) < _PLAIN_BELOW * random_entropy(len(payload))
    return Classification("plain" if plain else "compressed", precision[1], reason)
