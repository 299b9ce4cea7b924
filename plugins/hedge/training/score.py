"""Measure both methods on the held-out split: `python score.py ROOT [--count N]`; the same table as `pywall hedge
evaluate`."""

from __future__ import annotations

import argparse
from pathlib import Path

from pywall_hedge.commands import evaluation_table
from pywall_hedge.evaluation import evaluate


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--count", type=int, default=80, help="fragments of each format and size")
    options = parser.parse_args()
    for method in ("learned", "hedge"):
        print(f"method: {method}")
        print(
            "\n".join(evaluation_table(evaluate(options.root / "pool" / "held", method, count=options.count))),
            flush=True,
        )


if __name__ == "__main__":
    main()
