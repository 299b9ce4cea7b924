"""Names of kinds of other firewalls lead to kinds that there are."""

from __future__ import annotations

import re

import pytest
import yaml

from pywall_core.cli.common import prepare
from pywall_core.config.kind_names import KIND_ALIASES, OPERANDS


@pytest.fixture(scope="module")
def kinds() -> set[str]:
    _, plugins, _ = prepare("policy:default")
    import importlib.metadata

    return set(plugins.registry.kinds) | {point.name for point in importlib.metadata.entry_points(group="pywall.rules")}


@pytest.mark.parametrize("name", sorted(KIND_ALIASES))
def test_an_alias_means_a_kind(name: str, kinds: set[str]) -> None:
    assert KIND_ALIASES[name] in kinds


@pytest.mark.parametrize("operand", sorted(OPERANDS))
def test_an_operand_is_asked_by_a_rule_that_is_yaml(operand: str, kinds: set[str]) -> None:
    rule = yaml.safe_load(OPERANDS[operand].format("x"))
    assert rule["rule"] in kinds
    assert "x" in rule.values()
    assert not re.search(r"[{}]{2}", OPERANDS[operand].format("x"))
