"""How the method does on formats that it never saw: train without a group of formats at 1460 bytes, measure on that
group.

`python unseen.py ROOT` uses the features that train.py kept of the training split and the held-out products.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import network
import numpy as np
import train

SIZE, COUNT = 1460, 400
GROUPS = {
    "Deflate": ["gzip", "pdf", "png", "zip", "zlib"],
    "brotli, zstd": ["brotli", "zstd"],
    "bzip2": ["bzip2"],
    "LZ without entropy coding": ["lz4", "lzo", "snappy"],
    "range coders": ["lzma", "ppmd", "xz"],
    "sound": ["aac", "flac", "mp3", "opus", "vorbis"],
    "images": ["gif", "jpeg", "webp"],
    "video": ["av1", "h264", "h265", "vp9"],
}


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    options = parser.parse_args()
    held = train.sample(options.root, "held", SIZE, COUNT, 2)
    whole = train.sample(options.root, "train", SIZE, train.SIZES[SIZE], 1)
    known = train.Samples(
        whole.rows[::3], whole.label[::3], whole.form[::3], whole.names
    )  # a third is quick and enough

    def caught(layers: dict[str, network.Array], formats: list[str]) -> tuple[float, float]:
        encrypted = network.predict(held.rows, layers)[:, 2] > 0.5
        shares = [1 - encrypted[held.form == held.names.index(name)].mean() for name in formats]
        return 100 * float(np.mean(shares)), 100 * float(encrypted[held.label == train.ENCRYPTED].mean())

    full = network.fit(known.rows, known.label, train.weights(known), 1)
    for group, formats in GROUPS.items():
        part = train.without(known, formats)
        blind = network.fit(part.rows, part.label, train.weights(part), 1)
        (with_it, _), (without_it, recall) = caught(full, formats), caught(blind, formats)
        print(
            f"{group:28} caught: known {with_it:.1f}, unseen {without_it:.1f}; encrypted found {recall:.1f}", flush=True
        )


if __name__ == "__main__":
    main()
