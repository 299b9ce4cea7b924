"""The written reference: every section and every rule kind is there, and its YAML is good."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pywall_core.cli.check import CAUSES
from pywall_core.config import Config, bind_chains, load, loads
from pywall_core.plugins.loader import load as load_plugins

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"


def test_every_section_and_failure_switch_is_described() -> None:
    text = (REFERENCE / "configuration.md").read_text()
    for name in ("plugins", "chains", "default", "mode", "failure", "queue", "detection"):
        assert name in Config.model_fields
        assert f"`{name}`" in text or f"\n{name}:" in text, name
    for switch in CAUSES:
        assert f"| `{switch}` |" in text


def test_every_rule_kind_is_described() -> None:
    kinds = load_plugins(load("policy:host-firewall")).registry.kinds
    text = (REFERENCE / "rules.md").read_text()
    for name, kind in kinds.items():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        assert kind.scope in row
        assert ("remembers hosts" in row) == (kind.state == "host")


def test_the_example_is_good() -> None:
    (yaml, *_) = re.findall(r"```yaml\n(.*?)```", (REFERENCE / "configuration.md").read_text(), re.DOTALL)
    config = loads(yaml.encode(), "configuration.md")
    plugins = load_plugins(config)
    chains = bind_chains(config, plugins.registry.kinds, capabilities=plugins.provides(), protocols=plugins.protocols())
    assert len(chains["INPUT"]) == 5


@pytest.mark.parametrize("words", ["010", "22:22", "1_000", "yes", "no", "on", "off"])
def test_the_scalars_that_are_refused_are_named(words: str) -> None:
    assert f"`{words}`" in (REFERENCE / "configuration.md").read_text()
