"""Every distribution below ``plugins/`` is in the few lists that are kept by hand."""

from __future__ import annotations

import tomllib
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def project(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text())


CORE = project(ROOT / "pyproject.toml")
PLUGINS = [project(path) for path in sorted(ROOT.glob("plugins/*/pyproject.toml"))]
NAMES = {plugin["project"]["name"] for plugin in PLUGINS}
PACKAGES = {name.replace("-", "_") for name in NAMES}


def test_the_extra_all_brings_every_plugin_and_the_queue_binding() -> None:
    wanted = CORE["project"]["optional-dependencies"]["all"]
    assert {name for name in wanted if not name.startswith("NetfilterQueue")} == NAMES
    assert any(name.startswith("NetfilterQueue") for name in wanted)


def test_uv_finds_each_in_the_workspace() -> None:
    assert set(CORE["tool"]["uv"]["sources"]) == NAMES | {"pywall-core"}


def test_import_linter_looks_at_each() -> None:
    assert set(CORE["tool"]["importlinter"]["root_packages"]) == PACKAGES | {"pywall_core"}
    kept_apart = [
        contract for contract in CORE["tool"]["importlinter"]["contracts"] if contract["type"] == "independence"
    ]
    assert [set(contract["modules"]) for contract in kept_apart] == [PACKAGES]


def test_none_compiles_unless_asked_to() -> None:
    for plugin in (CORE, *PLUGINS):
        hook = plugin["tool"]["hatch"]["build"]["targets"]["wheel"].get("hooks", {}).get("mypyc")
        assert hook is None or hook["enable-by-default"] is False


def test_each_is_installed_here() -> None:
    assert {each.name for each in distributions()} >= NAMES | {"pywall-core"}
