"""The stage that the tests with real tools play on."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from .labs import ORIGIN, Stage


@pytest.fixture
def stage(netns_lab: Callable[..., Any], tmp_path: Path) -> Iterator[Stage]:
    """A client and a server whose origin waits; the firewall is not started yet."""
    made = Stage(netns_lab(), tmp_path)
    made.python("server", "origin.py", "server", ORIGIN)
    yield made
    made.lab.close()
    for path in made.leftovers:
        shutil.rmtree(path, ignore_errors=True)
