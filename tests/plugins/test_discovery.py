"""What is installed is listed without being imported."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pywall_core.config import ConfigError
from pywall_core.plugins.discovery import PluginError, discover
from pywall_core.plugins.loader import load

from .conftest import TICK, Install, config, refused


def test_installed_but_not_named_is_listed_and_never_imported(install: Install) -> None:
    install("quiet", {"quiet": "raise SystemExit('imported')"})
    listed = {plugin.name: plugin for plugin in discover()}
    assert (listed["quiet"].distribution, listed["quiet"].version, listed["quiet"].state) == (
        "quiet",
        "1.0",
        "installed",
    )
    load(config())
    assert "quiet_quiet" not in sys.modules


def test_the_disk_cache_of_entry_points_is_never_read(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    install("good", {"good": TICK})
    load(config("good"))
    assert not (tmp_path / "cache").exists()


def test_two_distributions_with_one_name_are_refused(install: Install) -> None:
    install("one", {"same": TICK, "other": TICK})
    install("two", {"same": TICK})
    with pytest.raises(PluginError, match=r"'same' is claimed by two distributions: (one and two|two and one)"):
        load(config("same"))


def test_an_unknown_name_names_the_nearest(install: Install) -> None:
    install("good", {"watcher": TICK})
    with pytest.raises(ConfigError, match=r"plugins\[0\]: no plugin 'wacher' is installed; did you mean 'watcher'"):
        refused("wacher")
