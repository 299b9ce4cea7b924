"""Each rule kind has one owner."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from pywall_core.config import bind_chains
from pywall_core.model.rule_kind import RuleKind
from pywall_core.plugins.discovery import PluginError
from pywall_core.plugins.loader import load
from pywall_core.plugins.rule_registry import RuleRegistry

from .conftest import HOOK, Install, config


def test_one_rule_kind_has_one_owner(install: Install) -> None:
    kind = HOOK + "class K(RuleKind):\n  kind = 'k'\n@hookimpl\ndef pywall_rules(register): register(K)\n"
    install("kinds", {"k1": kind, "k2": kind})
    with pytest.raises(PluginError, match="rule kind 'k' of plugin 'k2' is already that of 'k1'"):
        load(config("k1", "k2"))


def test_a_kind_is_loaded_when_it_is_asked_for() -> None:
    class Known(RuleKind):
        kind = "known"

    asked = []

    def load_known() -> type[RuleKind]:
        asked.append("known")
        return Known

    registry = RuleRegistry()
    registry.later("known", load_known)
    assert "known" in registry.kinds
    assert list(registry.kinds) == ["known"]
    assert len(registry.kinds) == 1
    assert "other" not in registry.kinds
    assert registry.kinds.get("other") is None
    assert not asked
    assert registry.kinds["known"] is Known
    assert registry.kinds.get("known") is Known
    assert asked == ["known"]
    with pytest.raises(ValueError, match="already that of"):
        registry(Known)


class Known(RuleKind):
    kind: ClassVar[str] = "known"


def no_key() -> Any:
    raise KeyError("x")


@pytest.mark.parametrize(
    ("load_kind", "words"),
    [
        (lambda: importlib.import_module("no_such_module"), "can't be loaded: ModuleNotFoundError: No module named"),
        (no_key, "can't be loaded: KeyError: 'x'"),
        (lambda: None, "None is no subclass of RuleKind"),
        (lambda: int, "<class 'int'> is no subclass of RuleKind"),
        (lambda: Known, "the class is of the kind 'known'"),
        (lambda: RuleKind, "the class is of the kind None"),
    ],
)
def test_a_kind_that_cannot_be_loaded_is_an_error_of_its_plugin(load_kind: Callable[[], Any], words: str) -> None:
    registry = RuleRegistry()
    registry.registering = "third"
    registry.later("mine", load_kind)
    registry(Known)
    policy = config(chains={"INPUT": [{"rule": "known", "action": "ACCEPT"}]})
    assert bind_chains(policy, registry.kinds)["INPUT"]
    for _ in range(2):
        with pytest.raises(PluginError) as caught:
            bind_chains(config(chains={"INPUT": [{"rule": "mine", "action": "ACCEPT"}]}), registry.kinds)
        assert len(caught.value.errors) == 1
        assert caught.value.errors[0].startswith(f"plugin 'third': rule kind 'mine': {words}")


@pytest.mark.parametrize("call", ["register(5)", "register(RuleKind)", "register.later([], int)", "1 / 0"])
def test_a_hook_that_raises_is_an_error_of_its_plugin(install: Install, call: str) -> None:
    install("odd", {"odd": HOOK + f"@hookimpl\ndef pywall_rules(register): {call}\n"})
    with pytest.raises(PluginError, match=r"^plugin 'odd': pywall_rules: [A-Z]\w+Error: "):
        load(config("odd"))
