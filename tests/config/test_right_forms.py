"""The right form of what people write where a rule, an action or a hook belongs."""

from __future__ import annotations

import pytest

from pywall_core.config.right_forms import OTHER_HOOKS, action_form, addition_form, hook_form, rule_form

KINDS = ("port", "ip", "app")


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ({"rule": "app", "not": ["ssh", "tls"]}, "write {not: {rule: app, is: [ssh, tls]}, action: ...}"),
        ({"rule": "app", "not": "ssh"}, "write {not: {rule: app, is: ssh}, action: ...}"),
        ({"type": "port", "dst": 22}, "write 'rule: port'"),
        ({"port": 22}, "write {rule: port, dst: 22, ...}"),
        ({"ip": "10.0.0.1"}, "write {rule: ip, src: 10.0.0.1, ...}"),
        ({"app": "ssh"}, "write {rule: app, is: ssh, ...}"),
        ({"and": []}, "did you mean 'all'?"),
        ({"rul": "port"}, "did you mean 'rule'?"),
    ],
)
def test_a_rule_that_is_none(rule: dict[str, object], said: str) -> None:
    assert said in rule_form(rule, KINDS)


def test_nothing_is_said_of_what_is_like_nothing() -> None:
    assert rule_form({"zzzz": 1}, KINDS) == ""


def test_several_actions() -> None:
    assert action_form("DROP") == ""
    assert action_form(["DROP"]) == ": a rule has one"
    assert action_form(["LOG", "DROP"]).endswith("logging is a rule of its own before it, {rule: log}")


def test_an_addition_that_names_its_set_alone() -> None:
    assert addition_form({"set": "blocked"}) is None
    assert addition_form("blocked") == "'blocked': write {set: blocked, key: src, for: 1h}"
    assert addition_form(["blocked"]) == "a list: write {set: NAME, key: src, for: 1h}"


@pytest.mark.parametrize("name", sorted(OTHER_HOOKS))
def test_hooks_of_netfilter_that_are_not_ours(name: str) -> None:
    assert hook_form(name.lower()).startswith(f"{name.lower()} is no hook of PyWall")
    assert hook_form("INPUT") == hook_form("inner") == ""
