"""A rule as it is bound: its condition, its leaves, its text."""

from __future__ import annotations

from pathlib import Path

from pywall_core.config import AllOf, AnyOf, Not, leaves
from pywall_core.config.bound_rule import rule_text
from pywall_core.model.verdict import Action

from .conftest import Size, bind


def test_rules_become_conditions_and_actions(tmp_path: Path) -> None:
    text = """chains:
  INPUT:
    - {rule: size, least: 5, action: DROP, comment: small}
    - {all: [{rule: size, least: 1}, {not: {any: [{rule: size, least: 2}, {rule: size, least: 3}]}}], action: other}
    - {rule: look}
  other:
    - {rule: size, least: 9, action: REJECT, observe: true}
"""
    chains = bind(tmp_path, text)
    first, second, third = chains["INPUT"]
    assert (first.action, first.place, first.comment) == (Action.DROP, "INPUT[0]", "small")
    assert first.mark.endswith("p.yaml:3")
    assert isinstance(second.condition, AllOf)
    assert isinstance(second.condition.parts[1], Not)
    assert isinstance(second.condition.parts[1].part, AnyOf)
    assert [leaf.least for leaf in leaves(second.condition) if isinstance(leaf, Size)] == [1, 2, 3]
    assert (second.action, type(second.action)) == ("other", str)
    assert third.action is None
    assert chains["other"][0].observe


def test_the_text_of_a_rule_is_its_condition_without_what_the_chain_keeps() -> None:
    rule = {"rule": "size", "least": 5, "action": "DROP", "comment": "x"}
    assert rule_text(rule) == "size least=5"
    assert rule_text(rule, own=("comment",)) == "size least=5 comment=x"
    text = rule_text({"not": {"any": [{"rule": "size", "least": 1}, {"rule": "name", "of": ["a", "b"]}]}})
    assert text == "not (size least=1 or name of=a,b)"
