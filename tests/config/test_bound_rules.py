"""Rules are bound to the kinds of loaded plugins; every objection has its place in the file."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import Field

from pywall_core.config import AllOf, AnyOf, BoundRule, ConfigError, Not, bind_chains, leaves, load
from pywall_core.model.rule_kind import RuleKind
from pywall_core.model.verdict import Action
from pywall_core.testing import engine, tcp_packet


class Size(RuleKind):
    """Needs a number."""

    kind: ClassVar[str] = "size"
    least: int = Field(ge=0, description="bytes")


class Look(RuleKind):
    """Only looks."""

    kind: ClassVar[str] = "look"
    decides: ClassVar[bool] = False


class Name(RuleKind):
    """Asks for a protocol."""

    kind: ClassVar[str] = "name"
    of: list[str] = Field(description="names")

    def protocols(self) -> tuple[str, ...]:
        return tuple(self.of)


class Memory(RuleKind):
    """Remembers hosts, and stands on TCP states."""

    kind: ClassVar[str] = "memory"
    state: ClassVar = "host"
    requires: ClassVar[tuple[str, ...]] = ("tcp-state",)


KINDS: dict[str, type[RuleKind]] = {kind.kind: kind for kind in (Size, Look, Name, Memory)}


def bind(tmp_path: Path, text: str, **known: Any) -> dict[str, list[BoundRule]]:
    file = tmp_path / "p.yaml"
    file.write_text(text)
    return bind_chains(load(file, strict=False), KINDS, **known)


def refused(tmp_path: Path, text: str, **known: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        bind(tmp_path, text, **known)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


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


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{rule: siez, least: 1, action: DROP}", "unknown rule 'siez'; did you mean 'size'?"),
        ("{rule: size, lest: 1, action: DROP}", "chains.INPUT[0].lest: unknown key; did you mean 'least'?"),
        ("{rule: size, least: -1, action: DROP}", "3:27: chains.INPUT[0].least: -1: should be greater than"),
        ("{rule: size, least: 1}", "3:7: chains.INPUT[0]: 'action' is missing"),
        ("{rule: size, least: 1, action: drop}", "'drop' is neither an action nor a chain; did you mean 'DROP'?"),
        ("{rule: size, least: 1, action: [DROP]}", "action: a list is neither an action nor a chain"),
        ("{rule: look, action: DROP}", "chains.INPUT[0].action: 'look' only looks, it takes no action"),
        ("{not: {rule: look}, action: DROP}", "chains.INPUT[0].not.rule: 'look' only looks"),
        ("{any: [], action: DROP}", "chains.INPUT[0].any: a list: should be a list of rules"),
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


def test_circles_are_refused(tmp_path: Path) -> None:
    rule = "{{rule: size, least: 1, action: {}}}"
    text = "chains:\n" + "".join(
        f"  {name}:\n    - {rule.format(target)}\n" for name, target in (("INPUT", "a"), ("a", "b"), ("b", "a"))
    )
    (line,) = refused(tmp_path, text)
    assert line.endswith("chains.b[0].action: jumps in a circle: a -> b -> a")


@pytest.mark.parametrize(("length", "good"), [(32, True), (33, False), (3000, False)])
def test_long_rows_of_chains_are_bounded(tmp_path: Path, length: int, good: bool) -> None:
    names = ["INPUT", *(f"c{n}" for n in range(length))]
    text = "chains:\n" + "".join(
        f"  {name}: [{{rule: size, least: 1, action: {target}}}]\n"
        for name, target in zip(names, [*names[1:], "DROP"], strict=True)
    )
    if good:
        assert len(bind(tmp_path, text)) == length + 1
    else:
        (line,) = refused(tmp_path, text)
        assert "more than 32 jumps in a row begin here" in line


def test_chains_that_nothing_reaches(tmp_path: Path) -> None:
    (line,) = refused(tmp_path, "chains:\n  INPTU: []\n")
    assert "p.yaml:2:3: chains.INPTU: no rule jumps here, and it is not a hook; did you mean 'INPUT'?" in line
    file = tmp_path / "q.yaml"
    file.write_text("chains: {spare: []}")
    config = load(file)
    bind_chains(config, KINDS)
    (line,) = config.warnings
    assert line.endswith("q.yaml:1:10: chains.spare: never reached: no rule jumps here [W003]")


def test_host_state_and_several_workers(tmp_path: Path) -> None:
    rule = "chains: {INPUT: [{rule: memory, action: DROP}]}\n"
    (line,) = refused(tmp_path, f"queue: {{workers: 2}}\n{rule}", capabilities={"tcp-state"})
    assert "queue.deal: host" in line
    assert bind(tmp_path, f"queue: {{workers: 2, deal: host}}\n{rule}", capabilities={"tcp-state"})


def test_many_ways_through_chains_are_no_work_for_the_engine() -> None:
    """Two jumps from each of 32 chains to the next are 2**32 ways."""
    names = ["INPUT", *(f"c{n}" for n in range(32))]
    text = "plugins: [rules]\nchains:\n" + "".join(
        f"  {name}:\n" + f"    - {{rule: always, action: {target}}}\n" * 2
        for name, target in zip(names, [*names[1:], "DROP"], strict=True)
    )
    begun = time.perf_counter()
    (verdict,) = engine(text).send([tcp_packet("192.0.2.1", 1, "198.51.100.2", 2, seq=0)])
    assert verdict.rule == "c31[0]"
    assert time.perf_counter() - begun < 10


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
