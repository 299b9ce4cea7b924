"""The pytest plugin: loaded in every environment that has pywall-core, so it imports nothing until it is asked."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "netns: needs root and network namespaces")
