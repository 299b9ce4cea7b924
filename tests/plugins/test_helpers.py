"""Helper processes are found by entry point, without an import, and only where nobody else may write their files."""

from __future__ import annotations

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from pywall_core.config import Config
from pywall_core.plugins import helpers
from pywall_core.plugins.helpers import are_helpers_installed, helper_point, wanted_helpers


def install(monkeypatch: pytest.MonkeyPatch, *points: tuple[str, str]) -> None:
    found = EntryPoints(EntryPoint(name, value, helpers.GROUP) for name, value in points)
    monkeypatch.setattr(helpers, "entry_points", lambda group, **wanted: found.select(group=group, **wanted))
    monkeypatch.setattr(helpers, "unsafe_files", lambda point: [])


def test_the_plugins_of_a_policy_that_have_a_helper(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("process", "no_such_module:Helper"))
    assert are_helpers_installed()
    assert wanted_helpers(Config.model_validate({"plugins": ["rules", "process"]})) == ["process"]
    assert wanted_helpers(Config.model_validate({"plugins": ["rules"]})) == []


def test_without_helpers_nothing_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch)
    assert not are_helpers_installed()
    assert wanted_helpers(Config.model_validate({"plugins": ["process"]})) == []
    with pytest.raises(LookupError, match="helper 'process': 0 distributions bring one"):
        helper_point("process")


def test_a_name_that_two_distributions_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("process", "one:Helper"), ("process", "two:Helper"))
    with pytest.raises(LookupError, match="2 distributions bring one"):
        helper_point("process")


def test_a_helper_whose_files_others_may_write_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, ("process", "one:Helper"))
    assert helper_point("process").value == "one:Helper"
    monkeypatch.setattr(helpers, "unsafe_files", lambda point: ["/tmp/one.py may be written by others"])
    with pytest.raises(LookupError, match="may be written by others"):
        helper_point("process")
