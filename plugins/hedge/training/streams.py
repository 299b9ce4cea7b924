"""Fit the growth of the stream threshold on training streams, and measure streams on held-out ones.

`python streams.py ROOT` draws mid-stream runs of 48 packets of 1460 octets from products of both splits and random
bytes, and prints the accuracy of 1 to 48 packets for several growths (train), then of the growth in
pywall_hedge.stream (held).
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from pywall_hedge import fragments, stream

PACKET, PACKETS = 1460, (1, 2, 4, 8, 16, 32, 48)


def _results(data: bytes) -> list[bool]:
    """Whether the stream is taken for encrypted after each number of packets."""
    classifier, out = stream.StreamClassifier(), []
    for number in range(1, PACKETS[-1] + 1):
        classifier.update(data[(number - 1) * PACKET : number * PACKET])
        if number in PACKETS:
            out.append(classifier.result().label == "encrypted")
    return out


def accuracy(
    root: Path, split: str, count: int, seed: int, heads: float = 0.0
) -> tuple[list[float], list[float], dict[str, float]]:
    """(two-way accuracy, encrypted recall) after each of PACKETS, in 0..1, and by format not taken for encrypted at
    the end."""
    corpus, size = root / "pool" / split, PACKET * PACKETS[-1]
    rows, forms = [], {}
    for form in fragments.formats(corpus, "compressed"):
        try:
            found = [_results(data) for data in fragments.draw(corpus, "compressed", form, size, count, seed, heads)]
        except ValueError:
            continue  # no product of this format is that long
        share = 1 - np.mean(found, axis=0)
        rows.append(share)
        forms[form] = float(share[-1])
    rng = np.random.default_rng(seed)
    recall = np.mean([_results(rng.bytes(size)) for _ in range(count * len(rows))], axis=0)
    return list((np.mean(rows, axis=0) + recall) / 2), list(recall), forms


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--count", type=int, default=12, help="streams of each format")
    parser.add_argument("--fit", type=float, nargs="*", default=[], help="growths to try on the training split")
    options = parser.parse_args()
    print("packets        ", *(f"{number:6}" for number in PACKETS))
    chosen = stream.GROWTH
    for growth in options.fit:
        stream.GROWTH = growth
        both, recall, _ = accuracy(options.root, "train", options.count, 1)
        print(
            f"train, {growth:5.2f}   ",
            *(f"{100 * value:6.1f}" for value in both),
            "   recall",
            f"{100 * recall[-1]:.1f}",
            flush=True,
        )
    stream.GROWTH = chosen
    both, recall, forms = accuracy(options.root, "held", options.count, 2)
    print(f"held,  {chosen:5.2f}   ", *(f"{100 * value:6.1f}" for value in both))
    print("  recall       ", *(f"{100 * value:6.1f}" for value in recall))
    print("  by format at the end:", " ".join(f"{form} {100 * share:.0f}" for form, share in forms.items()))
    both, _, _ = accuracy(options.root, "held", options.count, 3, heads=1.0)
    print("held, start seen", *(f"{100 * value:5.1f}" for value in both))


if __name__ == "__main__":
    main()
