"""Each rule kind has one owner."""

from __future__ import annotations

import pytest

from pywall_core.plugins.discovery import PluginError
from pywall_core.plugins.loader import load

from .conftest import HOOK, Install, config


def test_one_rule_kind_has_one_owner(install: Install) -> None:
    kind = HOOK + "class K(RuleKind):\n  kind = 'k'\n@hookimpl\ndef pywall_rules(register): register(K)\n"
    install("kinds", {"k1": kind, "k2": kind})
    with pytest.raises(PluginError, match="rule kind 'k' of plugin 'k2' is already that of 'k1'"):
        load(config("k1", "k2"))
