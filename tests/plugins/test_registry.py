"""The loaded plugins, in the order of the configuration."""

from __future__ import annotations

from pywall_core.plugins.loader import load

from .conftest import TICK, Install, config


def test_order_is_the_configurations(install: Install) -> None:
    install("three", {"a": TICK, "b": TICK, "c": TICK})
    plugins = load(config("c", "a", "b"))
    assert [name for name, _ in plugins.calls("tick")] == ["c", "a", "b"]
    called = [impl.plugin_name for impl in plugins.manager.hook.pywall_tick.get_hookimpls()]
    assert list(reversed(called)) == ["c", "a", "b"], "pluggy calls the last of its list first"


def test_a_bundle_brings_its_plugins_in_its_order(install: Install) -> None:
    install("bun", {"bundle": TICK + "class Inner:\n  pass\ndef plugins(): return [('x', Inner()), ('y', Inner())]\n"})
    assert [plugin.name for plugin in load(config("bundle")).loaded] == ["x", "y", "bundle"]


def test_nothing_of_ours_has_flows_that_end_classified_where_no_rule_asks() -> None:
    """Live that would hold up packets: a third of a millisecond for each flow without a name."""
    ours = ["rules", "stream", "protocols", "hedge", "process", "sets"]
    assert not load(config(*ours)).needs_class_at_end()
