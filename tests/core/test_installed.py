"""Entry points are read once, and again when something was installed."""

from __future__ import annotations

import importlib.metadata
from pathlib import Path

import pytest

from pywall_core.installed import entry_points


def install(site: Path, name: str) -> None:
    information = site / f"{name}-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(f"[pywall.plugins]\n{name} = {name}_module\n[pywall.rules]\nx = y\n")


def test_what_is_installed_is_what_python_says() -> None:
    for group in ("pywall.plugins", "pywall.rules", "pywall.no_such_group"):
        assert sorted(entry_points(group)) == sorted(importlib.metadata.entry_points(group=group))


def test_a_new_distribution_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path / "one")
    assert "one" not in entry_points("pywall.plugins").names
    install(tmp_path / "one", "one")
    assert entry_points("pywall.plugins")["one"].value == "one_module"
    install(tmp_path / "two", "two")
    monkeypatch.syspath_prepend(tmp_path / "two")
    assert {"one", "two"} <= entry_points("pywall.plugins").names
    monkeypatch.undo()
    assert not {"one", "two"} & entry_points("pywall.plugins").names


def test_files_are_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    known = sorted(entry_points("pywall.plugins"))
    monkeypatch.setattr(importlib.metadata, "distributions", lambda **_: pytest.fail("read again"))
    assert sorted(entry_points("pywall.plugins")) == known
    assert entry_points("pywall.commands")
