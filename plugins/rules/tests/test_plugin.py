"""The plugin loads a kind when a policy asks for it."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import entry_points

from pywall_rules.plugin import KINDS, pywall_rules

from pywall_core.plugins.rule_registry import RuleRegistry


def test_each_kind_has_the_name_that_it_is_registered_by():
    registry = RuleRegistry()
    pywall_rules(registry)
    assert {name: kind.kind for name, kind in registry.kinds.items()} == {name: name for name in KINDS}


def test_entry_points_name_the_same_kinds():
    points = [point for point in entry_points(group="pywall.rules") if point.module.startswith("pywall_rules.")]
    assert {point.name: point.value.removeprefix("pywall_rules.") for point in points} == KINDS


def test_a_policy_imports_what_it_asks_for():
    code = (
        "import sys; from pywall_rules.plugin import pywall_rules; "
        "from pywall_core.plugins.rule_registry import RuleRegistry; registry = RuleRegistry(); "
        "pywall_rules(registry); registry.kinds['port']; "
        "sys.exit('pywall_rules.geo' in sys.modules or 'pywall_rules.port' not in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
