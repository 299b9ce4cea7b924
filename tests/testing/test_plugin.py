"""The pytest plugin costs nothing where it is not used."""

from __future__ import annotations

import subprocess
import sys

import pytest

HEAVY = {"pywall_core.api", "pywall_core.engine.engine", "pydantic", "yaml", "dpkt", "hypothesis", "stevedore"}


def test_loading_the_plugin_imports_nothing_heavy() -> None:
    code = "import sys, pywall_core.testing.plugin; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert set(loaded) & HEAVY == set()


def test_every_exported_name_is_there() -> None:
    import pywall_core.testing

    for name in pywall_core.testing.__all__:
        assert callable(getattr(pywall_core.testing, name))
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = pywall_core.testing.no_such_thing


def test_the_kit_is_found_by_pytest(pytestconfig: pytest.Config) -> None:
    assert pytestconfig.pluginmanager.get_plugin("pywall") is sys.modules["pywall_core.testing.plugin"]
