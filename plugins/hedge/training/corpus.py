"""Make the corpus: whole products of every format and kind, from packages that the two splits do not share.

`python corpus.py ROOT` writes ROOT/pool/{train,held}/{plain,compressed,encrypted}/<format>/<number>.bin. Each product
has its own seed, drawn from split, format and number, so a product can be made again alone. What is there already is
kept.
"""

# ruff: noqa: S311 - seeds must repeat, and the tools run are fixed here

from __future__ import annotations

import argparse
import io
import random
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import media
import packers
import sources

LIMIT = 1 << 20
"""Bytes kept of a product, from its start."""
SHORTEST = 20_000
"""Products below this many bytes are made again from other input: the largest fragment must fit."""
COUNT = {"train": 60, "held": 30}
"""Products a format; of images, which are small, three times as many."""
CLIPS = {"train": 26, "held": 12}
"""Raw video clips; each is encoded once by every video format."""

PLAIN = ("text", "html", "source", "json", "table", "xml", "binary", "font", "wav", "rgb", "sqlite")

Files = dict[str, list[Path]]


def _gather(paths: list[Path], size: int, rng: random.Random) -> bytes:
    """Join whole files in a random order up to `size` bytes: a plain concatenation or, one time in three, a tar."""
    chosen, total = [], 0
    for path in rng.sample(paths, min(len(paths), 400)):
        chosen.append(path)
        total += path.stat().st_size
        if total >= size:
            break
    if rng.random() < 1 / 3:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as archive:
            for path in chosen:
                archive.add(path, arcname=f"data/{path.name}")
        return out.getvalue()
    return b"".join(path.read_bytes()[:4_000_000] for path in chosen)


def _sound(files: Files, rng: random.Random) -> bytes:
    while True:
        pcm = media.samples(rng.choice(files["audio"]), rng.uniform(0, 20), rng.uniform(15, 40))
        if len(pcm) > 400_000:
            return pcm


def _sqlite(files: Files, rng: random.Random, scratch: Path) -> bytes:
    path = scratch / "rows.sqlite"
    path.unlink(missing_ok=True)
    base = sqlite3.connect(path)
    base.execute("create table entry (id integer primary key, name text, weight real, note text)")
    words = _gather(files["text"] + files["source"], 300_000, rng).decode("utf-8", "replace").split()
    base.executemany(
        "insert into entry (name, weight, note) values (?, ?, ?)",
        ((word, rng.random(), " ".join(words[i : i + rng.randint(0, 12)])) for i, word in enumerate(words[:6000])),
    )
    base.commit()
    base.close()
    return path.read_bytes()


def _plain(kind: str, files: Files, rng: random.Random, scratch: Path) -> bytes:
    if kind == "wav":
        return media.as_wav(_sound(files, rng))
    if kind == "rgb":
        return media.picture(rng.choice(files["image"]), rng).tobytes()
    if kind == "sqlite":
        return _sqlite(files, rng, scratch)
    return _gather(files[kind], rng.choice((100_000, 400_000)), rng)


def _input(files: Files, rng: random.Random, scratch: Path) -> bytes:
    """What general compressors are fed: one time in four media that are compressed already, else one plain kind."""
    size = rng.choice((150_000, 600_000, 2_000_000))
    if rng.random() < 0.25:
        return _gather(files[rng.choice([kind for kind in sources.PACKED if kind in files])], size, rng)
    kind = rng.choice(PLAIN)
    return _plain(kind, files, rng, scratch) if kind in ("wav", "rgb", "sqlite") else _gather(files[kind], size, rng)


def _clips(split: str, files: Files, folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number in range(CLIPS[split]):
        path = folder / f"{number:03}.y4m"
        if not path.exists():
            media.clip(files["image"], files.get("video", []), random.Random(f"{split}/clip/{number}"), path)
        made.append(path)
    return made


def _product(split: str, form: str, number: int, files: Files, scratch: Path, clips: list[Path]) -> bytes:
    rng = random.Random(f"{split}/{form}/{number}")
    while True:
        try:
            if form in PLAIN:
                data = _plain(form, files, rng, scratch)
            elif form in packers.GENERAL:
                data = packers.GENERAL[form](_input(files, rng, scratch), rng, scratch)
            elif form in packers.CIPHERS:
                data = packers.CIPHERS[form](_input(files, rng, scratch), rng, scratch)
            elif form in media.IMAGES:
                data = media.encode_image(media.picture(rng.choice(files["image"]), rng), form, rng)
            elif form in media.SOUND:
                data = media.encode_sound(_sound(files, rng), form, rng, scratch)
            else:
                data = media.encode_video(clips[number % len(clips)], form, rng)
        except (OSError, subprocess.CalledProcessError):
            continue  # a file in a package that its own format's tools refuse: draw another
        if len(data) >= SHORTEST or form in media.VIDEO:
            return data[:LIMIT]


def build(split: str, root: Path, only: list[str] | None = None, say: Callable[[str], None] = print) -> None:
    """Make what is missing of one split below `root`; `only` names formats."""
    files = sources.by_kind(sources.fetch(split, root))
    classes = {
        "plain": PLAIN,
        "compressed": (*packers.GENERAL, *media.IMAGES, *media.SOUND, *media.VIDEO),
        "encrypted": tuple(packers.CIPHERS),
    }
    with tempfile.TemporaryDirectory() as temporary:
        clips: list[Path] = []
        for label, forms in classes.items():
            for form in forms if only is None else [form for form in forms if form in only]:
                folder = root / "pool" / split / label / form
                folder.mkdir(parents=True, exist_ok=True)
                if form in media.VIDEO and not clips:
                    clips = _clips(split, files, root / "clips" / split)
                total = 0
                wanted = COUNT[split] * (3 if form in media.IMAGES else 1)
                for number in range(len(clips) if form in media.VIDEO else wanted):
                    path = folder / f"{number:04}.bin"
                    if not path.exists():
                        path.write_bytes(_product(split, form, number, files, Path(temporary), clips))
                    total += path.stat().st_size
                say(f"{split}/{label}/{form}: {total / 1e6:.1f} MB")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("root", type=Path)
    parser.add_argument("--split", choices=("train", "held"), action="append")
    parser.add_argument("--only", nargs="+", metavar="FORMAT")
    options = parser.parse_args()
    for split in options.split or ("train", "held"):
        build(split, options.root, options.only, lambda line: print(line, flush=True))


if __name__ == "__main__":
    main()
