"""Rules are bound to the kinds of loaded plugins; every objection has its place in the file."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import pytest
from pydantic import Field

from pywall_core.config import ConfigError, Not, bind_chains, load
from pywall_core.model.rule_kind import RuleKind

from .conftest import KINDS, bind, refused


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{rule: siez, least: 1, action: DROP}", "unknown rule 'siez'; did you mean 'size'?"),
        ("{rule: size, lest: 1, action: DROP}", "chains.INPUT[0].lest: unknown key; did you mean 'least'?"),
        ("{rule: size, least: -1, action: DROP}", "3:27: chains.INPUT[0].least: -1: should be greater than"),
        ("{rule: size, least: 1}", "3:7: chains.INPUT[0]: 'action' is missing"),
        ("{rule: size, least: 1, action: drop}", "'drop' is neither an action nor a chain; did you mean 'DROP'?"),
        ("{rule: size, least: 1, action: [DROP]}", "action: a list is neither an action nor a chain"),
        ("{rule: size, least: 1, action: {do: DROP}}", "neither an action nor a chain: write action: DROP"),
        ("{rule: size, least: 1, action: {add: {set: a}}}", "chain: add stands beside it, {action: DROP, add: {"),
        ("{rule: size, least: 1, action: {do: {set: a}}}", "neither an action nor a chain (allowed: ACCEPT"),
        ("{rule: look, action: DROP}", "chains.INPUT[0].action: 'look' only looks, it takes no action"),
        ("{not: {rule: look}, action: DROP}", "chains.INPUT[0].not.rule: 'look' only looks"),
        ("{any: [], action: DROP}", "chains.INPUT[0].any: nothing in it: should be a list of rules"),
        ("{al: [], action: DROP}", "exactly one of 'rule', 'all', 'any', 'not'; did you mean 'all'?"),
        ("{rule: size, all: [], action: DROP}", "exactly one of 'rule', 'all', 'any', 'not' (found rule and all)"),
        ("{not: {rule: size, least: 1}, lst: 1, action: DROP}", "chains.INPUT[0].lst: unknown key beside 'not'"),
        ("{not: {rule: size, least: 1, action: DROP}, action: DROP}", "not.action: 'action' belongs to the whole rule"),
        ("{not: [1], action: DROP}", "chains.INPUT[0].not: a list: should be a rule"),
        ("{rule: size, least: 1, action: DROP, observe: 1}", "observe: 1: should be true or false"),
        ("{rule: size, least: 1, action: DROP, comment: 1}", "comment: 1: should be text"),
        ("{rule: name, of: [ssh, tsl], action: DROP}", "3:30: chains.INPUT[0].of[1]: no loaded plugin detects"),
        ("{rule: memory, action: DROP}", "chains.INPUT[0].rule: 'memory' needs a plugin that provides 'tcp-state'"),
    ],
)  # fmt: skip
def test_refusals_have_place_and_nearest_name(tmp_path: Path, rule: str, words: str) -> None:
    lines = refused(tmp_path, f"chains:\n  INPUT:\n    - {rule}\n", protocols={"tls", "ssh"})
    assert sum(words in line for line in lines) == 1
    assert all(line.startswith("p.yaml:3:") for line in lines)


def test_a_kind_whose_plugin_is_misspelt_still_gets_its_form(tmp_path: Path) -> None:
    lines = refused(tmp_path, "chains:\n  INPUT:\n    - {payload: encrypted}\n    - limit: {over: 10/s}\n")
    assert lines[0].endswith("'not'; write {rule: payload, is: encrypted, ...}")
    assert lines[1].endswith("'not'; write {rule: limit, over: 10/s, action: ...}")


def test_two_errors_are_two_lines(tmp_path: Path) -> None:
    text = "chains:\n  INPUT:\n    - {rule: size, least: x, action: DROP}\n    - {rule: siz, action: DROP}\n"
    assert [line.split(":")[1] for line in refused(tmp_path, text)] == ["3", "4"]


def test_errors_of_both_steps_come_together(tmp_path: Path) -> None:
    lines = refused(tmp_path, "mode: x\nchains: {INPUT: [{rule: size, least: -1, action: DROP}]}\n")
    assert len(lines) == 2


def test_unknown_rules_are_not_repeated_when_their_plugin_failed(tmp_path: Path) -> None:
    file = tmp_path / "p.yaml"
    file.write_text("plugins: [rulse]\nchains: {INPUT: [{rule: port, dst: 1, action: DROP}]}\n")
    config = load(file, strict=False)
    config.error(("plugins", 0), "no such plugin")
    with pytest.raises(ConfigError) as caught:
        bind_chains(config, {})
    assert [problem.path for problem in caught.value.problems] == ["plugins[0]"]


def test_a_parameter_may_be_called_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Level(RuleKind):
        """Has a parameter of a combinator's name."""

        kind: ClassVar[str] = "level"
        outside: int | None = Field(default=None, alias="not", description="a level")

    monkeypatch.setitem(KINDS, "level", Level)
    text = "chains: {INPUT: [{rule: level, not: 3, action: DROP}, {not: {rule: level, not: 4}, action: DROP}]}"
    first, second = bind(tmp_path, text)["INPUT"]
    assert isinstance(first.condition, Level)
    assert first.condition.outside == 3
    assert isinstance(second.condition, Not)
    both = "chains: {INPUT: [{rule: level, not: 3, any: [], action: DROP}]}"
    (line,) = refused(tmp_path, both)
    assert "found rule and any" in line
