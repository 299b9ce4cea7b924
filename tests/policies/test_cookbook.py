"""Every recipe of the cookbook stops what it says that it stops, and lets pass what it says that passes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from pywall_core.testing import engine

from .policy_traffic import connections, send

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "cookbook.md"
_RECIPE = re.compile(r"## (.+)\n\n```yaml\n((?:.+\n)+)```\n\nstops: `(.+)`\n\npasses: `(.+)`\n")
RECIPES = _RECIPE.findall(PAGE.read_text())


def test_there_are_forty_and_each_has_three_rules_at_most() -> None:
    assert len(RECIPES) >= 40
    assert all(text.count("- {") <= 3 for _, text, _, _ in RECIPES)


@pytest.mark.parametrize(("title", "text", "stops", "passes"), RECIPES, ids=[title for title, *_ in RECIPES])
def test_a_recipe_stops_and_lets_pass(title: str, text: str, stops: str, passes: str) -> None:
    assert outcome(text, passes) == "passes"
    assert outcome(text, stops) == "stops"


def outcome(text: str, traffic: str) -> str:
    """What becomes of the last connection: the last packet of the side that opened it."""
    given = yaml.safe_load(text.replace("${", "$ {"))
    chains = {name: rules for name, rules in given.items() if isinstance(rules, list) and name != "plugins"}
    rest = {name: value for name, value in given.items() if name not in chains}
    policy = {"version": 1, "plugins": ["rules", "stream", "protocols"], "chains": chains, **rest}
    lab = engine(yaml.safe_dump(policy))
    verdicts = [verdict for packets in connections(traffic) for verdict in send(lab, packets)]
    return "passes" if verdicts[-1] else "stops"
