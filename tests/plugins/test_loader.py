"""Discovery and loading, with real distributions on a path of their own."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pywall_core.config import Config, ConfigError
from pywall_core.plugins.discovery import PluginError, discover
from pywall_core.plugins.loader import load

Install = Callable[..., Path]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """``install(distribution, {entry point: module source})``"""
    site = tmp_path / "site"
    site.mkdir(mode=0o755)
    monkeypatch.syspath_prepend(str(site))

    def do(distribution: str, points: dict[str, str], version: str = "1.0") -> Path:
        info = site / f"{distribution}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        lines = ["[pywall.plugins]"]
        for name, source in points.items():
            module = f"{distribution}_{name}".replace("-", "_")
            (site / f"{module}.py").write_text(source)
            lines.append(f"{name} = {module}")
        (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
        return site

    before = set(sys.modules)
    yield do
    for module in set(sys.modules) - before:
        del sys.modules[module]


def config(*plugins: object, **data: object) -> Config:
    return Config.model_validate({"version": 1, "plugins": list(plugins), **data})


HOOK = "from pywall_core.api import *\n"
TICK = HOOK + "@hookimpl\ndef pywall_tick(now): pass\n"


def test_installed_but_not_named_is_listed_and_never_imported(install: Install) -> None:
    install("quiet", {"quiet": "raise SystemExit('imported')"})
    listed = {plugin.name: plugin for plugin in discover()}
    assert (listed["quiet"].distribution, listed["quiet"].version, listed["quiet"].state) == (
        "quiet",
        "1.0",
        "installed",
    )
    load(config())
    assert "quiet_quiet" not in sys.modules


def test_order_is_the_configurations(install: Install) -> None:
    install("three", {"a": TICK, "b": TICK, "c": TICK})
    plugins = load(config("c", "a", "b"))
    assert [name for name, _ in plugins.calls("tick")] == ["c", "a", "b"]
    called = [impl.plugin_name for impl in plugins.manager.hook.pywall_tick.get_hookimpls()]
    assert list(reversed(called)) == ["c", "a", "b"], "pluggy calls the last of its list first"


def test_the_disk_cache_of_entry_points_is_never_read(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    install("good", {"good": TICK})
    load(config("good"))
    assert not (tmp_path / "cache").exists()


def refused(*entries: str | dict[str, object]) -> None:
    """Load what is wrong: errors are noted, and raised at the end of all checks."""
    chosen = config(*entries)
    load(chosen)
    chosen.check()


def test_two_distributions_with_one_name_are_refused(install: Install) -> None:
    install("one", {"same": TICK, "other": TICK})
    install("two", {"same": TICK})
    with pytest.raises(PluginError, match=r"'same' is claimed by two distributions: (one and two|two and one)"):
        load(config("same"))


def test_an_unknown_name_names_the_nearest(install: Install) -> None:
    install("good", {"watcher": TICK})
    with pytest.raises(ConfigError, match=r"plugins\[0\]: no plugin 'wacher' is installed; did you mean 'watcher'"):
        refused("wacher")


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
    with pytest.raises(ConfigError, match="'late' must stand after 'early'"):
        refused("late", "early")
    load(config("early", "late"))


def test_a_bundle_brings_its_plugins_in_its_order(install: Install) -> None:
    install("bun", {"bundle": TICK + "class Inner:\n  pass\ndef plugins(): return [('x', Inner()), ('y', Inner())]\n"})
    assert [plugin.name for plugin in load(config("bundle")).loaded] == ["x", "y", "bundle"]


def test_files_that_others_may_write_are_not_run(install: Install) -> None:
    site = install("open", {"open": TICK})
    (site / "open_open.py").chmod(0o666)
    with pytest.raises(PluginError, match="writable by everybody; chmod o-w"):
        load(config("open"))
    assert "open_open" not in sys.modules


def test_one_rule_kind_has_one_owner(install: Install) -> None:
    kind = HOOK + "class K(RuleKind):\n  kind = 'k'\n@hookimpl\ndef pywall_rules(register): register(K)\n"
    install("kinds", {"k1": kind, "k2": kind})
    with pytest.raises(PluginError, match="rule kind 'k' of plugin 'k2' is already that of 'k1'"):
        load(config("k1", "k2"))
