"""Loading: options, needs, order, and what cannot be used."""

from __future__ import annotations

import pytest

from pywall_core.config import ConfigError
from pywall_core.plugins.discovery import PluginError
from pywall_core.plugins.loader import load

from .conftest import HOOK, TICK, Install, config, refused


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("import no_such_module_at_all", "can't be imported: ModuleNotFoundError"),
        ("assert False, 'no'", "AssertionError"),
        (TICK + "api_version = 99", "was written for API 99, this is API 1"),
        (HOOK + "@hookimpl\ndef pywall_tik(now): pass", "pywall_tik.*did you mean 'pywall_tick'"),
        (HOOK + "@hookimpl\ndef pywall_tick(later): pass", "later"),
    ],
)
def test_what_cannot_be_used_says_why(install: Install, source: str, message: str) -> None:
    install("bad", {"bad": source})
    with pytest.raises(PluginError, match=message):
        load(config("bad"))


OPTIONS = (
    HOOK
    + """
from pydantic import BaseModel, ConfigDict
class P:
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        depth: int = 3
    def __init__(self, options): self.depth = options.depth
    @hookimpl
    def pywall_tick(self, now): pass
"""
)


def test_options_are_validated_by_the_plugins_model(install: Install) -> None:
    site = install("opt", {"opt": OPTIONS})
    entry = site / "opt-1.0.dist-info" / "entry_points.txt"
    entry.write_text(entry.read_text().replace("opt_opt", "opt_opt:P"))
    assert load(config({"opt": {"depth": 5}})).loaded[0].obj.depth == 5
    assert load(config("opt")).loaded[0].obj.depth == 3
    with pytest.raises(ConfigError, match=r"plugins\[0\].opt.dpth: unknown key; did you mean 'depth'"):
        refused({"opt": {"dpth": 5}})


def test_a_plugin_without_options_takes_none(install: Install) -> None:
    install("plain", {"plain": TICK})
    with pytest.raises(ConfigError, match="takes no options"):
        refused({"plain": {"x": 1}})


def test_a_tcp_detector_needs_segments(install: Install) -> None:
    install("det", {"det": HOOK + "transport = 'tcp'\n@hookimpl\ndef pywall_detect(flow, client, server): return NO"})
    with pytest.raises(ConfigError, match=r"needs a plugin that provides 'segment': add `- stream`"):
        refused("det")
    install("seg", {"seg": TICK + "provides = ('segment',)"})
    assert [d.name for d in load(config("det", "seg")).detectors.all] == ["det"]


def test_demands_on_order_are_checked_never_carried_out(install: Install) -> None:
    install("ord", {"late": TICK + "after = ('early',)", "early": TICK})
    with pytest.raises(ConfigError, match="'late' must be listed after 'early'"):
        refused("late", "early")
    load(config("early", "late"))
