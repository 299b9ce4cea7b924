"""Train the flow networks: `python train_flow.py ROOT` reads the samples that samples.py made and writes
src/pywall_hedge/flow.npz.

The networks are trained on the split `train`; their calibrations are fitted on the split `held`, whose packages and
captures the networks have not seen. `--without KIND` leaves a kind of flow out of training, to report on the unknown.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import network
import numpy as np
import numpy.typing as npt
from pywall_hedge import flowmodel
from samples import SECRET, SIZES

OUT = Path(__file__).parents[1] / "src" / "pywall_hedge" / "flow.npz"

START = {"records": 0.34, "packed": 0.14, "capture": 0.30, "media": 0.06, "plain": 0.12, "pieces": 0.04}
"""What flows without ciphertext are, by kind, where the start was seen and no head was known."""
MIDDLE = {"records": 0.10, "packed": 0.05, "capture": 0.10, "media": 0.15, "plain": 0.10, "pieces": 0.50}
"""The same of flows that were joined in the middle."""
ALIKE = frozenset(("xz", "lzma", "ppmd"))
"""Formats whose middle is as good as random: `bounded` accounts for them, no network can."""

SEEDS = 3
"""Networks that are trained for each size; their mean is kept."""

Floats = npt.NDArray[np.float64]


def kind_of(name: str) -> str:
    """Kind of flow of a sample's name."""
    first = name.partition("/")[0]
    return first if first in (*START, "cipher") else "pieces"


def weigh(names: npt.NDArray[np.str_], label: npt.NDArray[np.int64], mix: dict[str, float]) -> Floats:
    """Weights of samples: ciphertext half of the whole, the rest by `mix`; within a kind every name the same."""
    kinds = np.array([kind_of(name) for name in names])
    out = np.zeros(len(names))
    for kind, share in (*mix.items(), ("cipher", 1.0)):
        mine = (kinds == kind) & ~np.isin(names, list(ALIKE))
        unique, counts = np.unique(names[mine], return_counts=True)
        per = dict(zip(unique, counts, strict=True))
        total = sum(count**0.5 for count in counts)
        out[mine] = [share * per[name] ** 0.5 / total / per[name] for name in names[mine]]
    return out / out.sum() * len(out)


def calibrate(score: Floats, encrypted: npt.NDArray[np.bool_], weight: Floats) -> tuple[float, float]:
    """Slope and shift of the score that make it a log-likelihood ratio: a weighted logistic regression, bounded."""
    from scipy.optimize import minimize

    score = np.clip(score, -12, 12)
    sign = np.where(encrypted, -1.0, 1.0)

    def loss(values: Floats) -> float:
        return float((weight * np.logaddexp(0, sign * (values[0] * score + values[1]))).mean())

    found = minimize(loss, np.array([1.0, 0.0]), method="L-BFGS-B", bounds=[(0.2, 1.3), (-4, 5)])
    return float(found.x[0]), float(found.x[1])


def load(
    root: Path, split: str, size: int
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Inputs, classes and names of all samples of one split and size."""
    parts = [np.load(path) for path in sorted((root / "flow-samples").glob(f"{split}-*.npz"))]
    rows = np.concatenate([part[f"x_{size}"] for part in parts]).astype(np.float32)
    names = np.concatenate([part[f"n_{size}"] for part in parts])
    carried = np.array([name.partition("/")[2] in SECRET for name in names])
    rows, names = rows[~carried], names[~carried]
    fragment = flowmodel.fragment_network(size)
    width = 2 * fragment.width + 32
    odds = np.array([fragment.log_odds(row) for row in rows[:, :width]], dtype=np.float32)
    rows = np.concatenate((rows[:, : width + flowmodel.EXTRAS], odds), axis=1)
    return rows, np.concatenate([part[f"y_{size}"] for part in parts])[~carried], names


def join(made: list[dict[str, npt.NDArray[np.float32]]]) -> dict[str, npt.NDArray[np.float32]]:
    """One network that gives the mean of the outputs of several: what each makes of chance alone is averaged out."""
    count = len(made)
    second = np.zeros([count * size for size in made[0]["w1"].shape], dtype=np.float32)
    rows, columns = made[0]["w1"].shape
    for index, one in enumerate(made):
        second[index * rows : (index + 1) * rows, index * columns : (index + 1) * columns] = one["w1"]
    return {
        "w0": np.concatenate([one["w0"] for one in made], axis=1),
        "b0": np.concatenate([one["b0"] for one in made]),
        "w1": second,
        "b1": np.concatenate([one["b1"] for one in made]),
        "w2": np.concatenate([one["w2"] for one in made]) / np.float32(count),
        "b2": sum(one["b2"] for one in made) / np.float32(count),
    }


def score_of(made: dict[str, npt.NDArray[np.float32]], rows: npt.NDArray[np.float32]) -> Floats:
    """Log-odds of encrypted against the rest."""
    p = network.predict(rows, made).astype(np.float64)
    return np.log(p[:, 2] + 1e-9) - np.log(p[:, 0] + p[:, 1] + 1e-9)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--without", nargs="*", default=[])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    saved: dict[str, npt.NDArray[np.generic]] = {"sizes": np.array(SIZES)}
    for size in SIZES:
        rows, label, names = load(options.root, "train", size)
        kept = np.array([kind_of(name) not in options.without for name in names]) & ~np.isin(names, list(ALIKE))
        weight = weigh(names, label, START) + 0.5 * weigh(names, label, MIDDLE)
        weight = (weight[kept] / weight[kept].mean()).astype(np.float32)
        weight = np.minimum(weight, 8)
        epochs = max(options.epochs, 1500 * network.BATCH // int(kept.sum()))
        made = join(
            [network.fit(rows[kept], label[kept], weight, seed, epochs, (64, 32), 1e-3) for seed in range(1, SEEDS + 1)]
        )
        held, truth, called = load(options.root, "held", size)
        score = score_of(made, held)
        fitted = []
        for mix in (START, MIDDLE):
            fitted += calibrate(score, truth == 2, weigh(called, truth, mix))
        for key, value in made.items():
            saved[f"{key}_{size}"] = value.astype(np.float16)
        saved[f"c_{size}"] = np.array(fitted, dtype=np.float32)
        report(size, fitted, score, truth, called)
    np.savez_compressed(options.out, **saved)
    print(options.out, options.out.stat().st_size)


def report(
    size: int, fitted: list[float], score: Floats, truth: npt.NDArray[np.int64], names: npt.NDArray[np.str_]
) -> None:
    """Print the quartiles of the ratio of ciphertext, and how often each kind is above 2 and above 4."""
    ratio = fitted[0] * score + fitted[1]
    quartiles = np.percentile(ratio[truth == 2], (5, 25, 50, 75))
    kinds = np.array([kind_of(name) for name in names])
    parts = [
        f"{kind} {100 * np.mean(ratio[kinds == kind] > 2):.1f}/{100 * np.mean(ratio[kinds == kind] > 4):.2f}"
        for kind in (*START, "cipher")
    ]
    print(
        size,
        len(truth),
        "calibration",
        np.round(fitted, 2),
        "ciphertext",
        np.round(quartiles, 1),
        "above 2/4, %:",
        *parts,
        flush=True,
    )


if __name__ == "__main__":
    main()
