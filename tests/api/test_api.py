"""What plugins build on does not change unnoticed. After a change that is meant, with its line in
``docs/api-changelog.md``: ``PYWALL_API_SNAPSHOT=write pytest tests/api``."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import pywall_core.testing
from pywall_core import api, hookspecs
from pywall_core.testing import engine, make_flow

SNAPSHOT = Path(__file__).with_name("api.json")
ROOT = Path(__file__).parents[2]
CHANGES = ROOT / "docs" / "api-changelog.md"
SOURCES = [*ROOT.glob("plugins/*/src/**/*.py"), *ROOT.glob("examples/*/src/**/*.py")]


def signature(function: Any) -> str:
    return str(inspect.signature(function)).replace("'", "").replace('"', "")


def members(cls: type) -> dict[str, str]:
    """Attributes with their types, methods with their signatures, of the class itself, as far as they are public."""
    found = {name: str(kind) for name, kind in inspect.get_annotations(cls).items() if not name.startswith("_")}
    for name, value in vars(cls).items():
        if not name.startswith("_") and inspect.isfunction(value):
            found[name] = signature(value)
        elif not name.startswith("_") and isinstance(value, property):
            found[name] = "property"
    public = api.PUBLIC_MEMBERS.get(cls.__name__, tuple(found))
    return {name: found.get(name, "attribute") for name in sorted(public)}


def described(module: Any) -> dict[str, Any]:
    """Names of ``__all__``: classes with their members, functions with their signatures, values as they are."""
    found: dict[str, Any] = {}
    for name in sorted(module.__all__):
        value = getattr(module, name)
        if inspect.isclass(value):
            found[name] = members(value)
        elif inspect.isfunction(value):
            found[name] = signature(value)
        else:
            plain = isinstance(value, (int, str))
            found[name] = repr(value) if plain else type(value).__name__
    return found


def current() -> dict[str, Any]:
    names = [name for name in dir(hookspecs) if name.startswith("pywall_")]
    return {
        "version": api.API_VERSION,
        "hooks": {name: signature(getattr(hookspecs, name)) for name in names},
        "api": described(api),
        "testing": described(pywall_core.testing),
    }


def test_the_api_is_that_of_the_snapshot() -> None:
    env = {**os.environ, "PYWALL_PURE": "1"}  # compiled classes don't keep their annotations
    now = json.loads(subprocess.run([sys.executable, __file__], env=env, capture_output=True, check=True).stdout)
    if os.environ.get("PYWALL_API_SNAPSHOT") == "write":
        SNAPSHOT.write_text(json.dumps(now, indent=1, sort_keys=True) + "\n")
    then = json.loads(SNAPSHOT.read_text())
    for part, names in then.items():
        assert now[part] == names, f"the API has changed in {part}: see the docstring of this test"
    assert now == then


@pytest.mark.skipif(not CHANGES.exists(), reason="the manual is not in this distribution")
def test_the_current_version_stands_first_in_the_change_log() -> None:
    headings = [line for line in CHANGES.read_text().splitlines() if line.startswith("## ")]
    assert headings[0] == f"## API {api.API_VERSION}"


def test_every_public_name_is_there() -> None:
    for module in (api, pywall_core.testing):
        assert len(set(module.__all__)) == len(module.__all__)
        for name in module.__all__:
            assert getattr(module, name) is not None
    flow = make_flow()
    lab = engine({}, plugins={})
    assert [name for name in api.PUBLIC_MEMBERS["Flow"] if not hasattr(flow, name)] == []
    assert [name for name in api.PUBLIC_MEMBERS["Host"] if not hasattr(lab.engine, name)] == []
    with pytest.raises(AttributeError):
        _ = api.NoSuchName


@pytest.mark.skipif(not SOURCES, reason="the plugins are not in this distribution")
def test_plugins_of_the_repository_use_only_what_is_public() -> None:
    used: dict[str, set[str]] = {"pywall_core": set(), "flow": set(), "host": set()}
    for source in SOURCES:
        text = source.read_text()
        used["pywall_core"] |= set(re.findall(r"^\s*(?:from|import) (pywall_core[\w.]*)", text, re.MULTILINE))
        used["flow"] |= set(re.findall(r"""(?<![\w"'`/])flow\.([a-z]\w*)""", text))
        used["host"] |= set(re.findall(r"\b(?:engine|host)\.([a-z]\w*)", text))
    assert used["pywall_core"] <= {"pywall_core.api", "pywall_core.client", "pywall_core.testing"}
    assert used["flow"] - set(api.PUBLIC_MEMBERS["Flow"]) == set()
    assert used["host"] - set(api.PUBLIC_MEMBERS["Host"]) == set()


if __name__ == "__main__":
    print(json.dumps(current()))
