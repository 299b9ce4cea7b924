"""Code that others could have changed is not run."""

from __future__ import annotations

import sys

import pytest

from pywall_core.plugins.discovery import PluginError
from pywall_core.plugins.loader import load

from .conftest import TICK, Install, config


def test_files_that_others_may_write_are_not_run(install: Install) -> None:
    site = install("open", {"open": TICK})
    (site / "open_open.py").chmod(0o666)
    with pytest.raises(PluginError, match="writable by everybody; chmod o-w"):
        load(config("open"))
    assert "open_open" not in sys.modules
