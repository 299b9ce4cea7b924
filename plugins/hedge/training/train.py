"""Train the model: log-likelihood tables, then one small network a payload length, all in numpy with a fixed seed.

`python train.py ROOT` reads ROOT/pool/train as corpus.py made it and writes src/pywall_hedge/model.npz. Features are kept in
ROOT/features, so that only the networks are trained anew; `--fresh` computes them again.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path

import network
import numpy as np
import numpy.typing as npt

from pywall_hedge import features, fragments

SIZES = {64: 5000, 128: 4000, 256: 4000, 512: 4000, 1024: 4000, 1460: 5000, 2048: 3000, 4096: 2200, 8192: 1500, 16384: 1000}
"""Payload length in bytes -> fragments of each compressed format."""
PLAIN_SHARE = 0.6
"""Fragments of a plain kind for one of a compressed format."""
TABLE_SIZE, TABLE_COUNT = 4096, 1500
MODEL = Path(__file__).parents[1] / "src" / "pywall_hedge" / "model.npz"

PLAIN, COMPRESSED, ENCRYPTED = range(3)


@dataclass
class Samples:
    """Rows of features with class (0 plain, 1 compressed, 2 encrypted) and format (index into `names`; -1 encrypted)."""

    rows: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]
    form: npt.NDArray[np.int64]
    names: list[str]


def tables(root: Path, seed: int) -> npt.NDArray[np.float32]:
    """Log-likelihood ratio of each cell against random bytes, a column a compressed format, (8704, formats).

    Each of the four parts of a column is shifted and scaled to mean 0 and deviation 1 over random cells.
    """
    columns = []
    for form in fragments.formats(root / "pool" / "train", "compressed"):
        total = np.full(8704, 0.0)
        for fragment in fragments.draw(root / "pool" / "train", "compressed", form, TABLE_SIZE, TABLE_COUNT, seed, heads=0):
            total += np.concatenate(features.raw_counts(fragment))
        column = np.empty(8704)
        for part in (slice(0, 4096), slice(4096, 8192), slice(8192, 8448), slice(8448, 8704)):
            cells = total[part] + 0.001 * total[part].mean()
            ratio = np.log(cells / cells.mean()).clip(-1.5, 1.5)
            column[part] = (ratio - ratio.mean()) / ratio.std()
        columns.append(column)
    return np.stack(columns, axis=1).astype(np.float32)


def sample(root: Path, split: str, size: int, per_format: int, columns: npt.NDArray[np.float32], seed: int) -> Samples:
    """Draw fragments of all classes, encrypted ones as many as compressed, and compute their features."""
    rows, label, form, names = [], [], [], []
    for number, name in ((PLAIN, "plain"), (COMPRESSED, "compressed")):
        for kind in fragments.formats(root / "pool" / split, name):
            count = per_format if number == COMPRESSED else int(per_format * PLAIN_SHARE)
            names.append(kind)
            for fragment in fragments.draw(root / "pool" / split, name, kind, size, count, seed):
                rows.append(features.features(fragment, columns))
                label.append(number)
                form.append(len(names) - 1)
    rng = np.random.default_rng([seed, size])
    for _ in range(label.count(COMPRESSED)):
        rows.append(features.features(rng.bytes(size), columns))
        label.append(ENCRYPTED)
        form.append(-1)
    return Samples(np.stack(rows), np.array(label), np.array(form), names)


def cached(root: Path, split: str, size: int, per_format: int, columns: npt.NDArray[np.float32], seed: int) -> Samples:
    """`sample`, kept on disk."""
    path = root / "features" / f"{split}-{size}.npz"
    if path.exists():
        data = np.load(path)
        return Samples(data["rows"].astype(np.float32), data["label"], data["form"], list(data["names"]))
    path.parent.mkdir(exist_ok=True)
    made = sample(root, split, size, per_format, columns, seed)
    np.savez(path, rows=made.rows.astype(np.float16), label=made.label, form=made.form, names=np.array(made.names))
    return made


def weights(samples: Samples) -> npt.NDArray[np.float32]:
    """Encrypted 0.5, compressed 0.4, plain 0.1 of the whole; within a class every format the same."""
    share = np.empty(len(samples.label))
    for number, part in ((PLAIN, 0.1), (COMPRESSED, 0.4), (ENCRYPTED, 0.5)):
        mine = samples.label == number
        counts = np.bincount(samples.form[mine] + 1, minlength=len(samples.names) + 1)
        share[mine] = part / (counts > 0).sum() / counts[samples.form[mine] + 1]
    return (share * len(share)).astype(np.float32)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--fresh", action="store_true", help="compute tables and features again")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=MODEL)
    options = parser.parse_args()
    kept = options.root / "features" / "tables.npy"
    kept.parent.mkdir(exist_ok=True)
    if options.fresh:
        for path in kept.parent.iterdir():
            path.unlink()
    if not kept.exists():
        np.save(kept, tables(options.root, options.seed).astype(np.float16))
    columns = np.load(kept).astype(np.float32)
    saved: dict[str, npt.NDArray[np.generic]] = {"tables": np.load(kept), "sizes": np.array(options.sizes)}
    for size in options.sizes:
        started = time.monotonic()
        train = cached(options.root, "train", size, SIZES[size], columns, options.seed)
        made = network.fit(train.rows, train.label, weights(train), options.seed)
        for name, value in made.items():
            saved[f"{name}_{size}"] = value.astype(np.float16 if value.ndim == 2 else np.float32)
        print(f"{size} bytes: {len(train.label)} fragments, {time.monotonic() - started:.0f} s", flush=True)
    np.savez_compressed(options.out, **saved)
    print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
