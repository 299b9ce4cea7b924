"""Real distributions on a path of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pywall_core.config import Config
from pywall_core.plugins.loader import load

Install = Callable[..., Path]
HOOK = "from pywall_core.api import *\n"
TICK = HOOK + "@hookimpl\ndef pywall_tick(now): pass\n"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install(distribution, {entry point: module source})``"""
    site = tmp_path / "site"
    site.mkdir(mode=0o755)
    monkeypatch.syspath_prepend(str(site))

    def do(distribution: str, points: dict[str, str], version: str = "1.0") -> Path:
        info = site / f"{distribution}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        lines = ["[pywall.plugins]"]
        for name, source in points.items():
            module = f"{distribution}_{name}".replace("-", "_")
            (site / f"{module}.py").write_text(source)
            lines.append(f"{name} = {module}")
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        return site

    before = set(sys.modules)
    yield do
    for module in set(sys.modules) - before:
        del sys.modules[module]


def config(*plugins: object, **data: object) -> Config:
    return Config.model_validate({"version": 1, "plugins": list(plugins), **data})


def refused(*entries: str | dict[str, object]) -> None:
    """Load what is wrong: errors are noted, and raised at the end of all checks."""
    chosen = config(*entries)
    load(chosen)
    chosen.check()
