"""Each rule kind has one owner."""

from __future__ import annotations

import pytest

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
