"""Train the model: one small network a payload length, in numpy with a fixed seed.

`python train.py ROOT` reads ROOT/pool/train as corpus.py made it and writes src/pywall_hedge/model.npz. Features are
kept in ROOT/features, so that only the networks are trained anew; `--fresh` computes them again.
"""

from __future__ import annotations

import argparse
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import network
import numpy as np
import numpy.typing as npt
from pywall_hedge import features, fragments, model

SIZES = {
    64: 10000,
    128: 5000,
    256: 3000,
    512: 3000,
    1024: 3000,
    1460: 4000,
    2048: 2500,
    4096: 2000,
    8192: 1500,
    16384: 1000,
}
"""Payload length in bytes -> fragments of each compressed format."""
PLAIN_SHARE = 0.6
"""Fragments of a plain kind for one of a compressed format."""
MODEL = Path(__file__).parents[1] / "src" / "pywall_hedge" / "model.npz"

PLAIN, COMPRESSED, ENCRYPTED = range(3)


@dataclass
class Samples:
    """Rows of features with class (0 plain, 1 compressed, 2 encrypted) and format (index into `names`; -1
    encrypted)."""

    rows: npt.NDArray[np.float32]
    label: npt.NDArray[np.int64]
    form: npt.NDArray[np.int64]
    names: list[str]


def lengths(size: int, count: int, rng: np.random.Generator) -> list[int]:
    """Half of them `size`, the others anything that is asked of the network for `size`: payloads have all lengths."""
    sizes = sorted(SIZES)
    place = sizes.index(size)
    low = (sizes[place - 1] * size) ** 0.5 if place else features.SHORTEST
    high = (sizes[place + 1] * size) ** 0.5 if place + 1 < len(sizes) else size
    others = np.exp(rng.uniform(np.log(low), np.log(high), count)).astype(np.int64)
    return np.where(rng.random(count) < 0.5, size, others).tolist()  # type: ignore[no-any-return]


def rows(root: Path, split: str, name: str, kind: str, size: int, count: int, seed: int) -> npt.NDArray[np.float16]:
    """Features of `count` fragments of one format, or of random bytes where `name` is "random"; kept on disk."""
    path = root / "features" / split / str(size) / f"{kind}.npy"
    if path.exists():
        return np.load(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    rng, width = np.random.default_rng([seed, size]), model.WIDTHS[size >= model.LONG]
    cuts = lengths(size, count, rng)
    if name == "random":
        drawn: Iterator[bytes] = (rng.bytes(cut) for cut in cuts)
    else:
        drawn = fragments.draw(root / "pool" / split, name, kind, max(cuts), count, seed)
    parts = (fragment[:cut] for fragment, cut in zip(drawn, cuts, strict=True))
    made = np.stack([features.features(part, width) for part in parts]).astype(np.float16)
    np.save(path, made)
    return made


def sample(root: Path, split: str, size: int, per_format: int, seed: int) -> Samples:
    """The features of fragments of all classes, encrypted ones as many as compressed."""
    pool = root / "pool" / split
    parts: list[tuple[int, int, npt.NDArray[np.float16]]] = []
    names: list[str] = []
    for number, name in ((PLAIN, "plain"), (COMPRESSED, "compressed")):
        for kind in fragments.formats(pool, name):
            count = per_format if number == COMPRESSED else int(per_format * PLAIN_SHARE)
            parts.append((number, len(names), rows(root, split, name, kind, size, count, seed)))
            names.append(kind)
    count = per_format * len(fragments.formats(pool, "compressed"))
    parts.append((ENCRYPTED, -1, rows(root, split, "random", "random", size, count, seed)))
    return Samples(
        np.concatenate([part for _, _, part in parts]).astype(np.float32),
        np.concatenate([np.full(len(part), number) for number, _, part in parts]),
        np.concatenate([np.full(len(part), form) for _, form, part in parts]),
        names,
    )


def weights(samples: Samples) -> npt.NDArray[np.float32]:
    """Encrypted 0.42, compressed 0.41, plain 0.17 of the whole; within a class every format the same."""
    share = np.empty(len(samples.label))
    for number, part in ((PLAIN, 0.17), (COMPRESSED, 0.41), (ENCRYPTED, 0.42)):
        mine = samples.label == number
        counts = np.bincount(samples.form[mine] + 1, minlength=len(samples.names) + 1)
        share[mine] = part / (counts > 0).sum() / counts[samples.form[mine] + 1]
    return (share * len(share)).astype(np.float32)


def without(samples: Samples, left_out: list[str]) -> Samples:
    """The samples without some formats."""
    kept = ~np.isin(samples.form, [samples.names.index(name) for name in left_out])
    return Samples(samples.rows[kept], samples.label[kept], samples.form[kept], samples.names)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--fresh", action="store_true", help="compute the features again")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--leave-out", nargs="+", default=[], metavar="FORMAT", help="train without these formats")
    parser.add_argument("--features-only", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, default=MODEL)
    options = parser.parse_args()
    if options.fresh:
        shutil.rmtree(options.root / "features", ignore_errors=True)
    saved: dict[str, npt.NDArray[np.generic]] = {}
    if options.out.exists():  # networks of other lengths stay
        with np.load(options.out) as data:
            saved = dict(data)
    saved["sizes"] = np.array(sorted({*options.sizes, *saved.get("sizes", np.array([], dtype=np.int64)).tolist()}))
    for size in options.sizes:
        started = time.monotonic()
        samples = without(sample(options.root, "train", size, SIZES[size], options.seed), options.leave_out)
        if not options.features_only:
            made = network.fit(samples.rows, samples.label, weights(samples), options.seed)
            for name, value in made.items():
                saved[f"{name}_{size}"] = value.astype(np.float32)
        print(f"{size} bytes: {len(samples.label)} fragments, {time.monotonic() - started:.0f} s", flush=True)
    if not options.features_only:
        np.savez_compressed(options.out, **saved)
        print(f"{options.out}: {options.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
