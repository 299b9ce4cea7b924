"""How well a method does on a corpus: two-way and three-way accuracy with confidence intervals, per size and per
format.

Every format weighs the same within its class; two-way is encrypted against the rest, both halves weighing the same, the
rest being compressed alone, as in the published tables.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path

from . import fragments
from .classification import Classification, classify

SIZES = (64, 256, 512, 1024, 1460, 2048, 4096, 8192, 16384)
PUBLISHED = {1024: 68.68, 2048: 75.50, 4096: 81.67, 8192: 86.20, 16384: 89.85}
"""HEDGE's own table, gamma 2: bytes -> two-way accuracy in per cent, on its authors' data."""


@dataclass
class Scores:
    """Outcome for one fragment size. `found[class][format]`: (fragments, called plain, called compressed, called
    encrypted).

    `odds[class]`: probabilities of "encrypted", one a fragment, for a ROC curve.
    """

    size: int
    found: dict[str, dict[str, tuple[int, int, int, int]]] = field(default_factory=dict)
    odds: dict[str, list[float]] = field(default_factory=dict)

    def share(self, label: str, called: str) -> float:
        """Mean over the formats of class `label` of the share that was called `called`; nan without fragments."""
        column = 1 + fragments.CLASSES.index(called)
        rows = [counts[column] / counts[0] for counts in self.found.get(label, {}).values()]
        return sum(rows) / len(rows) if rows else float("nan")

    @property
    def two_way(self) -> float:
        """Accuracy in 0..1, compressed against encrypted; a compressed fragment called plain counts as right."""
        return (self.share("encrypted", "encrypted") + 1 - self.share("compressed", "encrypted")) / 2

    @property
    def three_way(self) -> float:
        """Accuracy in 0..1 over the three classes, each weighing the same."""
        return sum(self.share(label, label) for label in fragments.CLASSES) / 3

    @property
    def error(self) -> float:
        """Half the width of the 95 % interval of `two_way`, in 0..1, by the formats' binomial deviations."""
        variance = 0.0
        for label in ("encrypted", "compressed"):
            rows = self.found.get(label, {}).values()
            variance += sum(r[3] / r[0] * (1 - r[3] / r[0]) / r[0] for r in rows) / max(len(rows), 1) ** 2 / 4
        return 1.96 * sqrt(variance)


def evaluate(
    corpus: Path,
    method: str = "learned",
    sizes: Sequence[int] = SIZES,
    count: int = 80,
    seed: int = 7,
    progress: Callable[[int, int], None] | None = None,
) -> list[Scores]:
    """Classify `count` fragments of each format and as many of the encrypted class as of the compressed one, for each
    size.

    Formats whose products are all too short for a size are left out of it. `progress(done, total)` is called a format.
    """
    out = []
    kinds = [(label, form) for label in fragments.CLASSES for form in fragments.formats(corpus, label)]
    compressed, ciphers = (max(sum(label == wanted for label, _ in kinds), 1) for wanted in ("compressed", "encrypted"))
    done = 0
    for size in sizes:
        scores = Scores(size)
        for label, form in kinds:
            number = count if label != "encrypted" else -(-count * compressed // ciphers)
            try:
                verdicts = [classify(part, method) for part in fragments.draw(corpus, label, form, size, number, seed)]
            except ValueError:
                continue
            called = [sum(verdict.label == name for verdict in verdicts) for name in fragments.CLASSES]
            scores.found.setdefault(label, {})[form] = (len(verdicts), called[0], called[1], called[2])
            scores.odds.setdefault(label, []).extend(encrypted_share(verdict) for verdict in verdicts)
            done += 1
            if progress is not None:
                progress(done, len(kinds) * len(sizes))
        out.append(scores)
    return out


def encrypted_share(found: Classification) -> float:
    """Probability of "encrypted" behind a classification, 0 to 1."""
    return found.confidence if found.label == "encrypted" else (1 - found.confidence) / 2


def roc(scores: Scores) -> list[tuple[float, float]]:
    """Points of the ROC curve: (compressed taken for encrypted, encrypted found), both rising from 0 to 1."""
    positive, negative = scores.odds.get("encrypted", []), scores.odds.get("compressed", [])
    ranked = sorted([(odds, True) for odds in positive] + [(odds, False) for odds in negative], reverse=True)
    points, right, wrong = [(0.0, 0.0)], 0, 0
    for _, is_encrypted in ranked:
        right, wrong = right + is_encrypted, wrong + (not is_encrypted)
        points.append((wrong / max(len(negative), 1), right / max(len(positive), 1)))
    return points
