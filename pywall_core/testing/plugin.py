"""The pytest plugin: loaded in every environment that has pywall-core, so it imports nothing until it is asked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .netns import Lab


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "netns: needs root and network namespaces")
    config.addinivalue_line("markers", "captures: needs the labelled captures that PYWALL_CAPTURES names")


@pytest.fixture
def netns_lab() -> Iterator[Callable[..., Lab]]:
    """Makes labs of network namespaces, and takes them down after the test: ``netns_lab()`` is a client and a server,
    ``netns_lab(gateway=True)`` has a gateway in the middle. Skips, with the reason, where that is not permitted.
    """
    from .netns import Lab, unavailable

    reason = unavailable()
    if reason is not None:
        pytest.skip(reason)
    labs: list[Lab] = []

    def make(*, gateway: bool = False, mtu: int = 1500) -> Lab:
        labs.append(Lab(gateway=gateway, mtu=mtu))
        return labs[-1]

    yield make
    for lab in labs:
        lab.close()


@pytest.fixture(scope="session")
def captures_folder() -> Path:
    """The folder of labelled captures that the environment variable PYWALL_CAPTURES names; skips without it."""
    folder = os.environ.get("PYWALL_CAPTURES")
    if not folder:
        pytest.skip("PYWALL_CAPTURES names no folder of captures")
    return Path(folder)
