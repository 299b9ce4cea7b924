"""The drawings of `pywall classify --plot` and `pywall hedge evaluate --roc`; they need matplotlib."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from .stream import FALSE_DROP, MISS
from .wald import thresholds


def save(target: str, draw: Callable[[Any], None]) -> bool:
    """Write a drawing to a PNG; False, with a message, where matplotlib is missing."""
    try:
        import matplotlib  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        print("pywall: a plot needs matplotlib: pip install 'pywall-hedge[plot]'", file=sys.stderr)
        return False
    matplotlib.use("Agg")
    from matplotlib import pyplot  # type: ignore[import-not-found,unused-ignore]

    figure, axes = pyplot.subplots(figsize=(8, 4.5), layout="constrained")
    draw(axes)
    figure.savefig(target, dpi=120)
    pyplot.close(figure)
    return True


def odds(curves: dict[str, list[tuple[int, float]]]) -> Callable[[Any], None]:
    """Draw the log-odds of "encrypted" over the bytes seen, from the first byte on, with the test's two thresholds."""

    def draw(axes: Any) -> None:
        for name, points in curves.items():
            axes.plot(
                [at for at, _ in points], [value for _, value in points], drawstyle="steps-post", label=name[-40:]
            )
        for threshold in thresholds(FALSE_DROP, MISS):
            axes.axhline(threshold, color="grey", linewidth=0.8, linestyle="dashed")
        axes.axhline(0, color="grey", linewidth=0.8)
        axes.set(xlabel="bytes seen", ylabel='log-odds of "encrypted", nats', xscale="symlog")
        axes.set_xlim(left=0)
        axes.legend()

    return draw


def roc(curves: dict[str, list[tuple[float, float]]]) -> Callable[[Any], None]:
    """Draw ROC curves by name."""

    def draw(axes: Any) -> None:
        for name, points in curves.items():
            axes.plot([wrong for wrong, _ in points], [right for _, right in points], label=name)
        axes.plot((0, 1), (0, 1), color="grey", linewidth=0.8)
        axes.set(xlabel="compressed taken for encrypted", ylabel="encrypted found")
        axes.legend()

    return draw
