"""Without any one of the plugins the rest works, and says what is missing where the YAML still names it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

CAPTURE = Path(__file__).parents[1] / "data" / "tls12.pcap"


@pytest.fixture(params=["rules", "stream", "protocols", "hedge"])
def removed(request: pytest.FixtureRequest, environment: Any) -> Iterator[str]:
    """The name of a plugin whose distribution is not installed."""
    environment.pip("uninstall", "-y", f"pywall-{request.param}")
    yield request.param
    environment.install(environment.wheel(f"pywall-{request.param}"))


def test_a_plugin_is_removed(environment: Any, removed: str, tmp_path: Path) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"version: 1\nplugins:\n  - {removed}\n")
    told = environment.run("pywall", "check", policy, code=3).stderr
    assert f"policy.yaml:3:5: plugins[0]: no plugin '{removed}' is installed" in told
    assert environment.run("pywall", "replay", "--config", policy, CAPTURE, code=3).stdout == ""

    default = environment.run("pywall", "replay", CAPTURE, code=None)
    assert default.returncode == 0, default.stderr
    assert f"not installed, the default policy goes without: {removed}" in default.stderr
    assert "192.0.2.1:40000" in default.stdout
