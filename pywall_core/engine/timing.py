"""Where the time goes: each plugin's share and the latency of verdicts, measured at one packet in 64.

A clock at every call would cost more than many of the calls; a sample costs the others one comparison.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from ..calls.guard import Calls

if TYPE_CHECKING:
    from ..detection.classifiers import Classifier
    from ..detection.detectors import Detectors

#: one packet in so many is timed
EVERY: Final = 64
#: upper bounds of the histogram of latencies, seconds
BOUNDS: Final = (0.000005, 0.00001, 0.00002, 0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.1, 1.0)
#: name under which the walks of the chains, all kinds of rules together, are counted
CHAINS: Final = "chains"

Result = TypeVar("Result")


class Timing:
    """``seconds`` by plugin are estimates for all packets, ``latency`` counts timed packets by :data:`BOUNDS`."""

    def __init__(self) -> None:
        self.seconds: Counter[str] = Counter()
        self.sampled = 0
        self.total = 0.0
        self._counts = [0] * (len(BOUNDS) + 1)

    def calls(self, calls: Calls) -> Calls:
        """Return the same hooks under a clock."""
        return tuple((name, self.watch(name, hook)) for name, hook in calls)

    def detectors(self, detectors: Detectors) -> Detectors:
        """Return the same detectors under a clock."""
        return detectors.with_calls([self.watch(detector.name, detector.call) for detector in detectors.all])

    def classifiers(self, classifiers: list[Classifier]) -> list[Classifier]:
        """Return the same classifiers under a clock."""
        return [replace(classifier, call=self.watch(classifier.name, classifier.call)) for classifier in classifiers]

    def watch(self, name: str, call: Callable[..., Result]) -> Callable[..., Result]:
        """Return the same function under a clock."""
        seconds = self.seconds
        seconds.setdefault(name, 0)  # who watches the figure sees it grow from its beginning

        def timed(*args: Any) -> Result:
            started = perf_counter()
            try:
                return call(*args)
            finally:
                seconds[name] += (perf_counter() - started) * EVERY  # type: ignore[assignment]

        return timed

    def verdict(self, seconds: float) -> None:
        """Count the latency of a timed packet's verdict."""
        self.sampled += 1
        self.total += seconds
        self._counts[bisect_left(BOUNDS, seconds)] += 1

    def latency(self) -> dict[str, Any]:
        """Return packets timed, their latencies' sum in seconds, and how many took at most each bound, cumulative."""
        buckets: dict[str, int] = {}
        below = 0
        for bound, count in zip(BOUNDS, self._counts, strict=False):
            below += count
            buckets[f"{bound:g}"] = below
        return {"sampled": self.sampled, "sum": round(self.total, 9), "buckets": buckets}
