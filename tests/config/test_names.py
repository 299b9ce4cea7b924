"""What people call protocols, and which installed plugin brings a name."""

from __future__ import annotations

import pytest

from pywall_core.config import Config
from pywall_core.config.names import PROTOCOL_ALIASES, bringing
from pywall_core.plugins.loader import load


def test_each_alias_leads_to_a_name_that_some_plugin_detects() -> None:
    known = load(Config.model_validate({"version": 1, "plugins": ["stream", "protocols"]})).protocols()
    assert {name for name in PROTOCOL_ALIASES.values() if name not in known} == set()
    assert all(alias == alias.lower() for alias in PROTOCOL_ALIASES)
    assert not PROTOCOL_ALIASES.keys() & known, "a name of ours needs no other"


@pytest.mark.parametrize(
    ("group", "name", "plugin"),
    [
        ("pywall.rules", "port", "rules"),
        ("pywall.capabilities", "segment", "stream"),
        ("pywall.rules", "no-such-kind", ""),
        ("pywall.nothing", "port", ""),
    ],
)
def test_the_plugin_that_brings_a_name_is_named_unless_the_policy_has_it(group: str, name: str, plugin: str) -> None:
    words = bringing(group, name, ())
    assert words == (
        f"; the plugin {plugin!r} brings it and is installed: add '- {plugin}' under plugins" if plugin else ""
    )
    assert bringing(group, name, [plugin]) == ""
