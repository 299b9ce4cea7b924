"""Reference pages from the code: hooks, rule kinds, configuration, command line, API.

``python docs/_ext/reference.py FOLDER`` writes them; the documentation build does so by itself, and a test looks for
everything that must be there.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.metadata
import inspect
import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from pywall_core import api, hookspecs
from pywall_core.cli import COMMANDS
from pywall_core.cli import common as exit_codes
from pywall_core.config import Config
from pywall_core.plugins import discover, load

HOT = ("flow_start", "packet", "detect", "classify", "segment", "decided", "flow_end")


def write(folder: Path) -> None:
    """Write all pages into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        text = "\n".join(page()) + "\n"
        path = folder / f"{name}.md"
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def hooks() -> Iterator[str]:
    """Every hook with its signature and its contract."""
    yield "# Hooks\n"
    yield inspect.cleandoc(hookspecs.__doc__ or "") + "\n"
    for name in _in_order(hookspecs, "pywall_"):
        function = getattr(hookspecs, name)
        cost = "hot: for packets" if name.removeprefix("pywall_") in HOT else "cold"
        yield f"## {name}\n"
        yield f"```python\ndef {name}{_signature(function)}\n```\n"
        yield f"*{cost}; since API 1*\n"
        yield inspect.cleandoc(function.__doc__ or "") + "\n"


def rule_kinds() -> Iterator[str]:
    """Every rule kind of the plugins that are installed here."""
    yield "# Rule kinds\n"
    yield "A rule is `{rule: KIND, parameters ..., action: ACTION}`; see [configuration](../configuration.md).\n"
    for name, kind in sorted(_loaded().registry.kinds.items()):
        yield f"## {name}\n"
        yield inspect.cleandoc(kind.__doc__ or "") + "\n"
        scope = f"Scope: `{kind.scope}`."
        state = " Remembers hosts (`state: host`)." if kind.state == "host" else ""
        needs = f" Needs a plugin that provides {', '.join(map(repr, kind.requires))}." if kind.requires else ""
        only_looks = "" if kind.decides else " Only looks: takes no `action`."
        yield scope + state + needs + only_looks + "\n"
        yield from _fields(kind)


def configuration() -> Iterator[str]:
    """Every key of the YAML."""
    yield "# Keys of the configuration\n"
    yield inspect.cleandoc(Config.__doc__ or "") + "\n"
    yield from _fields(Config)
    for name, field in Config.model_fields.items():
        section = field.annotation
        if inspect.isclass(section) and issubclass(section, BaseModel):
            yield f"## {name}\n"
            yield inspect.cleandoc(section.__doc__ or "") + "\n"
            yield from _fields(section)


def plugins() -> Iterator[str]:
    """Options of the plugins that have some."""
    yield "# Options of plugins\n"
    yield "Written under `plugins:` as `- name: {option: value}`.\n"
    for point in sorted(importlib.metadata.entry_points(group="pywall.plugins")):
        options = getattr(point.load(), "Options", None)
        if options is not None:
            yield f"## {point.name}\n"
            yield inspect.cleandoc(options.__doc__ or point.load().__doc__ or "") + "\n"
            yield from _fields(options)


def protocols() -> Iterator[str]:
    """What each detector that is installed here checks, from the fields of its docstring."""
    yield "# Protocols\n"
    yield "No detector looks at a port. How well they do is measured in [detection](../detection.md).\n"
    yield "| protocol | over | what is checked | source | least that is needed | facts |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for point in sorted(importlib.metadata.entry_points(group="pywall.plugins")):
        detector = point.load()
        if not inspect.ismodule(detector) or not hasattr(detector, "protocols"):
            continue
        over = detector.transport if isinstance(detector.transport, tuple) else (detector.transport,)
        fields = dict(re.findall(r"^:(\w+): ((?:.|\n(?!:|\n))+)", inspect.getdoc(detector) or "", re.MULTILINE))
        told = [" ".join(fields.get(name, "").split()) for name in ("checked", "source", "minimum", "facts")]
        named = ", ".join(f"`{name}`" for name in detector.protocols)
        yield f"| {named} | {', '.join(over)} | " + " | ".join(map(_cell, told)) + " |"
    yield ""


def command_line() -> Iterator[str]:
    """The help texts, as the command prints them."""
    yield "# Command line\n"
    yield (
        "Exit codes: "
        + ", ".join(
            f"{getattr(exit_codes, name)} {name.lower()}"
            for name in ("OK", "FAILURE", "USAGE", "CONFIGURATION", "PLUGIN", "PRIVILEGES")
        )
        + ".\n"
    )
    os.environ["COLUMNS"] = "100"
    for name, module in COMMANDS.items():
        try:
            found = importlib.import_module(f"pywall_core.cli.{module}")
        except ModuleNotFoundError:
            continue
        parser = argparse.ArgumentParser(prog="pywall")
        subparsers = parser.add_subparsers()
        found.add(subparsers)
        yield f"## pywall {name}\n"
        yield f"```text\n{subparsers.choices[name].format_help().rstrip()}\n```\n"


def public_api() -> Iterator[str]:
    """What plugins may import."""
    yield "# API\n"
    yield f"`pywall_core.api`, version {api.API_VERSION}: " + inspect.cleandoc(api.__doc__ or "") + "\n"
    for name in api.__all__:
        value = getattr(api, name)
        if inspect.isclass(value):
            yield f"## {name}\n"
            yield inspect.cleandoc(value.__doc__ or "") + "\n"
            yield from _attributes(value)
        elif inspect.isfunction(value) and value.__doc__:
            yield f"## {name}\n"
            yield f"```python\n{name}{_signature(value)}\n```\n"
            yield inspect.cleandoc(value.__doc__) + "\n"
    constants = [name for name in api.__all__ if not inspect.isclass(getattr(api, name)) and name.isupper()]
    yield "## Constants\n"
    yield ", ".join(f"`{name}`" for name in constants) + "\n"


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "hooks": hooks,
    "rule-kinds": rule_kinds,
    "configuration": configuration,
    "plugins": plugins,
    "protocols": protocols,
    "command-line": command_line,
    "api": public_api,
}


def _loaded() -> Any:
    installed = {plugin.name for plugin in discover()}
    wanted = [name for name in ("rules", "stream", "protocols", "hedge") if name in installed]
    return load(Config.model_validate({"version": 1, "plugins": wanted}))


def _in_order(module: Any, prefix: str) -> list[str]:
    found = [(inspect.getsourcelines(f)[1], n) for n, f in inspect.getmembers(module, callable) if n.startswith(prefix)]
    return [name for _, name in sorted(found)]


def _signature(function: Any) -> str:
    return str(inspect.signature(function)).replace("'", "")


def _fields(model: type[BaseModel]) -> Iterator[str]:
    properties = model.model_json_schema(by_alias=True).get("properties", {})
    if not properties:
        yield "No parameters.\n"
        return
    yield "| key | values | default | |\n| --- | --- | --- | --- |"
    for name, field in model.model_fields.items():
        key = field.alias or name
        schema = properties.get(key, {})
        default = "required" if field.is_required() else f"`{_plain(field.get_default(call_default_factory=True))}`"
        yield f"| `{key}` | {_cell(_values(schema))} | {_cell(default)} | {_cell(field.description or '')} |"
    yield ""


def _plain(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "see below"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return str(value)


def _values(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_values(part) for part in schema["anyOf"]))
    if "$ref" in schema:
        return "section"
    kind = str(schema.get("type", "any"))
    if kind == "array":
        return f"list of {_values(schema.get('items', {}))}"
    low, high = schema.get("minimum"), schema.get("maximum")
    return f"{kind} {low} to {high}" if low is not None and high is not None else kind


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _attributes(cls: type) -> Iterator[str]:
    notes = inspect.get_annotations(cls)
    if notes:
        yield "| attribute | type |\n| --- | --- |"
        for name, kind in notes.items():
            if not name.startswith("_"):
                yield f"| `{name}` | `{_cell(str(kind))}` |"
        yield ""
    for name, function in inspect.getmembers(cls, inspect.isfunction):
        if not name.startswith("_") and function.__qualname__.startswith(cls.__name__) and function.__doc__:
            yield f"`{name}{_signature(function)}`\n: {' '.join(inspect.cleandoc(function.__doc__).split())}\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
