"""The generated reference names every hook, rule kind, option, command, exit code and environment variable."""

from __future__ import annotations

import argparse
import importlib.metadata
import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from pywall_core import api, hookspecs, testing
from pywall_core.cli import COMMANDS, common
from pywall_core.config import Config, load
from pywall_core.plugins.discovery import discover
from pywall_core.plugins.loader import load as load_plugins

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The generated pages, by name."""
    folder = tmp_path_factory.mktemp("reference")
    script = ROOT / "docs" / "_ext" / "reference.py"
    done = subprocess.run([sys.executable, script, folder], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return {path.stem: path.read_text() for path in folder.iterdir()}


def section(page: str, title: str) -> str:
    """What stands below a heading of the second level."""
    found = re.search(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", page, re.MULTILINE | re.DOTALL)
    assert found, f"no section {title!r}"
    return found[1]


def test_every_hook_has_its_contract(pages: dict[str, str]) -> None:
    names = [name for name in dir(hookspecs) if name.startswith("pywall_")]
    assert len(names) >= 13
    for name in names:
        text = section(pages["hooks"], name)
        assert f"def {name}(" in text
        for row in ("called by", "None means", "cost", "since"):
            assert re.search(rf"^\| {row} \| \S.* \|$", text, re.MULTILINE), f"{name}: {row}"


def described(model: type[BaseModel], text: str) -> None:
    for name, field in model.model_fields.items():
        assert field.description, f"{model.__name__}.{name} has no description"
        assert f"| `{field.alias or name}` |" in text


def test_every_rule_kind_and_parameter(pages: dict[str, str]) -> None:
    kinds = load_plugins(load(None)).registry.kinds
    assert {"ip", "port", "app", "fact", "payload"} <= set(kinds)
    for name, kind in kinds.items():
        described(kind, section(pages["rule-kinds"], name))


def test_every_plugin_with_its_options(pages: dict[str, str]) -> None:
    for row in discover():
        obj = importlib.metadata.EntryPoint(row.name, row.target, "pywall.plugins").load()
        if hasattr(obj, "pywall_detect"):
            for name in obj.protocols:
                assert f"`{name}`" in pages["protocols"]
        else:
            text = section(pages["plugins"], row.name)
            if hasattr(obj, "Options"):
                described(obj.Options, text)


def test_every_key_of_the_configuration(pages: dict[str, str]) -> None:
    for name, field in Config.model_fields.items():
        if inspect.isclass(field.annotation) and issubclass(field.annotation, BaseModel):
            assert field.annotation.__doc__
            described(field.annotation, section(pages["configuration"], name))
        else:
            assert field.description
        assert f"| `{name}` |" in pages["configuration"]


def parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from parsers(inner)


def test_every_command_and_argument(pages: dict[str, str]) -> None:
    found: dict[str, argparse.ArgumentParser] = {}
    for name, module in COMMANDS.items():
        path = ROOT / "pywall_core" / "cli" / f"{module}.py"
        if path.exists():
            subparsers = argparse.ArgumentParser(prog="pywall").add_subparsers()
            importlib.import_module(f"pywall_core.cli.{module}").add(subparsers)
            found[name] = subparsers.choices[name]
    for point in importlib.metadata.entry_points(group="pywall.commands"):
        parser = found[f"{point.name} (plugin)"] = argparse.ArgumentParser(prog=f"pywall {point.name}")
        point.load()(parser)
    assert {"run", "replay", "plugins"} <= set(found)
    for name, whole in found.items():
        text = section(pages["command-line"], f"pywall {name}")
        assert whole.description, name
        for parser in parsers(whole):
            for action in parser._actions:
                if not isinstance(action, argparse._SubParsersAction):
                    assert action.help, f"{parser.prog}: {action.dest} has no help"
                for option in action.option_strings:
                    assert option in text, f"{parser.prog} {option}"


def test_every_exit_code(pages: dict[str, str]) -> None:
    codes = {value for name, value in vars(common).items() if name.isupper() and type(value) is int}
    assert codes == {0, 1, 2, 3, 4, 5, 130}
    for code in codes:
        assert re.search(rf"^\| {code} \| \S", section(pages["command-line"], "Exit codes"), re.MULTILINE)


def test_every_environment_variable(pages: dict[str, str]) -> None:
    sources = [*ROOT.glob("pywall_core/**/*.py"), *ROOT.glob("plugins/*/src/**/*.py")]
    reading = re.compile(r'(?:environ(?:\.get\(|\[)|ENVIRONMENT: Final = )"(PYWALL_\w+)"')
    named = {name for path in sources for name in reading.findall(path.read_text())}
    text = section(pages["command-line"], "Environment")
    assert {"PYWALL_DEBUG", "PYWALL_PLUGINS_TRACE"} <= named
    assert {name for name in named if f"`{name}`" not in text} == set()


def test_every_public_name(pages: dict[str, str]) -> None:
    for module in (api, testing):
        for name in module.__all__:
            assert f"## {name}\n" in pages["api"] or f"`{name}`" in pages["api"], name
