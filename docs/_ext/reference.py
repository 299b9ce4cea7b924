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

import yaml
from pydantic import BaseModel, TypeAdapter

from pywall_core import api, hookspecs, testing
from pywall_core.cli import COMMANDS
from pywall_core.cli import common as exit_codes
from pywall_core.cli.details import details, type_words
from pywall_core.config import Config
from pywall_core.config import load as load_config
from pywall_core.plugins.discovery import discover
from pywall_core.plugins.docstrings import docstring
from pywall_core.plugins.loader import load
from pywall_core.plugins.registry import COLD_HOOKS, Plugins

ENVIRONMENT = {
    "PYWALL_PLUGINS_TRACE": "print calls of cold hooks on standard error",
    "PYWALL_PURE": "run the sources where compiled modules stand beside them",
    "PYWALL_DEBUG": "print the traceback of an internal error",
    "PYWALL_CAPTURES": "folder of labelled captures, for tests that use the test kit's `captures_folder`",
    "PYWALL_IPTABLES": "`nft` or `legacy`: the iptables to use, else the one that the system's name stands for",
}
#: ``:name: text`` in a docstring, the text going on over indented lines
_FIELD = re.compile(r"^:(\w+): ((?:.|\n(?!:|\n))+)\n?", re.MULTILINE)
EXIT_CODES = {
    "OK": "done",
    "FAILURE": "it did not work: a damaged capture, a failed case, no firewall running",
    "USAGE": "the command line is wrong",
    "CONFIGURATION": "the configuration is wrong; each error has its line",
    "PLUGIN": "a plugin cannot be loaded, or breaks its contract",
    "PRIVILEGES": "not permitted: root or CAP_NET_ADMIN is needed",
    "INTERRUPTED": "^C",
}


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
        told = inspect.cleandoc(function.__doc__ or "")
        contract = dict(_FIELD.findall(told))
        cost = "cold" if name.removeprefix("pywall_") in COLD_HOOKS else "hot: packets wait for it"
        yield f"## {name}\n"
        yield f"```python\ndef {name}{_signature(function)}\n```\n"
        yield _FIELD.sub("", told).strip() + "\n"
        yield "| | |\n| --- | --- |"
        for title, words in (
            ("called by", contract["caller"]),
            ("None means", contract["none"]),
            ("cost", cost),
            ("since", contract["since"]),
        ):
            yield f"| {title} | {_cell(words)} |"
        yield ""


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
        if kind.examples:
            rules = [yaml.safe_dump([{"rule": name, **example}], default_flow_style=None) for example in kind.examples]
            yield f"```yaml\n{''.join(rules).rstrip()}\n```\n"


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
    """Each plugin but the detectors: what it brings, and its options."""
    yield "# Plugins\n"
    yield "Options are written under `plugins:` as `- name: {option: value}`. Detectors: [protocols](protocols.md).\n"
    found = _loaded()
    for row in discover():
        obj = importlib.metadata.EntryPoint(row.name, row.target, "pywall.plugins").load()
        if inspect.ismodule(obj) and hasattr(obj, "pywall_detect"):
            continue
        plugin = next((plugin for plugin in found.loaded if plugin.name == row.name), None)
        yield f"## {row.name}\n"
        yield docstring(obj) + "\n"
        yield f"Distribution: `{row.distribution}`.\n"
        told = details(plugin) if plugin else {}
        for title in ("provides", "requires", "after", "facts", "rule kinds"):
            if told.get(title):
                yield f"{title.capitalize()}: {', '.join(f'`{word}`' for word in told[title])}.\n"
        if plugin:
            yield f"Hooks: {', '.join(f'`{hook}`' for hook in plugin.hooks)}.\n"
        if hasattr(obj, "Options"):
            yield from _fields(obj.Options)


def protocols() -> Iterator[str]:
    """What each detector that is installed here checks, from the fields of its docstring."""
    yield "# Protocols\n"
    yield "No detector looks at a port. How well they do is measured in [detection](../detection.md).\n"
    yield "| protocol | over | what is checked | source | least that is needed | facts |"
    yield "| --- | --- | --- | --- | --- | --- |"
    unseen: set[str] = set()
    seen: set[str] = set()
    for point in sorted(importlib.metadata.entry_points(group="pywall.plugins")):
        detector = point.load()
        if not inspect.ismodule(detector) or not hasattr(detector, "protocols"):
            continue
        over = detector.transport if isinstance(detector.transport, tuple) else (detector.transport,)
        fields = dict(_FIELD.findall(docstring(detector)))
        told = [" ".join(fields.get(name, "").split()) for name in ("checked", "source", "minimum", "facts")]
        named = ", ".join(f"`{name}`" for name in detector.protocols)
        unseen |= {*getattr(detector, "unseen", ())}
        seen |= {*detector.protocols} - {*getattr(detector, "unseen", ())}
        yield f"| {named} | {', '.join(over)} | " + " | ".join(map(_cell, told)) + " |"
    yield "\n## Protocols without a public capture\n"
    yield "What is known of these comes from descriptions alone, or all that they say is ciphertext."
    yield "They have names (`app: {is: NAME, confirmed: false}`), and no match of theirs is ever `confirmed`:\n"
    yield ", ".join(f"`{name}`" for name in sorted(unseen - seen)) + "\n"


def command_line() -> Iterator[str]:
    """The help texts, as the command prints them."""
    yield "# Command line\n"
    yield "## Exit codes\n"
    yield "| code | |\n| --- | --- |"
    for name, words in EXIT_CODES.items():
        yield f"| {getattr(exit_codes, name)} | {words} |"
    yield ""
    yield "## Environment\n"
    yield "| variable | |\n| --- | --- |"
    for name, words in ENVIRONMENT.items():
        yield f"| `{name}` | {words} |"
    yield ""
    os.environ["COLUMNS"] = "100"
    for name, module in COMMANDS.items():
        try:
            found = importlib.import_module(f"pywall_core.cli.{module}")
        except ModuleNotFoundError:
            continue
        parser = argparse.ArgumentParser(prog="pywall")
        found.add(subparsers := parser.add_subparsers())
        yield f"## pywall {name}\n"
        yield from _help(subparsers.choices[name])
    for point in sorted(importlib.metadata.entry_points(group="pywall.commands")):
        parser = argparse.ArgumentParser(prog=f"pywall {point.name}")
        point.load()(parser)
        yield f"## pywall {point.name} (plugin)\n"
        yield f"Comes with `{point.dist.name if point.dist else '?'}`.\n"
        yield from _help(parser)


def _help(parser: argparse.ArgumentParser) -> Iterator[str]:
    """The help of a command and of the actions below it."""
    yield f"```text\n{parser.format_help().rstrip()}\n```\n"
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _help(inner)


def public_api() -> Iterator[str]:
    """What plugins may import."""
    yield "# API\n"
    yield f"`pywall_core.api`, version {api.API_VERSION}: " + inspect.cleandoc(api.__doc__ or "") + "\n"
    for module, title in ((api, "pywall_core.api"), (testing, "pywall_core.testing")):
        plain = []
        for name in module.__all__:
            value = getattr(module, name)
            if inspect.isclass(value):
                yield f"## {name}\n"
                yield inspect.cleandoc(value.__doc__ or "") + "\n"
                yield from _attributes(value)
            elif inspect.isfunction(value):
                yield f"## {name}\n"
                yield f"```python\n{name}{_signature(value)}\n```\n"
                yield inspect.cleandoc(value.__doc__ or "") + "\n"
            else:
                plain.append(name)
        if plain:
            yield f"## Other names of {title}\n"
            yield ", ".join(f"`{name}`" for name in plain) + "\n"


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    "hooks": hooks,
    "rule-kinds": rule_kinds,
    "configuration": configuration,
    "plugins": plugins,
    "protocols": protocols,
    "command-line": command_line,
    "api": public_api,
}


def _loaded() -> Plugins:
    """The plugins that share their distribution's name; bundles bring the others."""
    usual = [entry.name for entry in load_config(None).plugins]
    named = [plugin.name for plugin in discover() if plugin.distribution == f"pywall-{plugin.name}"]
    wanted = [*usual, *(name for name in named if name not in usual)]
    return load(Config.model_validate({"version": 1, "plugins": wanted}))


def _in_order(module: Any, prefix: str) -> list[str]:
    found = [(inspect.getsourcelines(f)[1], n) for n, f in inspect.getmembers(module, callable) if n.startswith(prefix)]
    return [name for _, name in sorted(found)]


def _signature(function: Any) -> str:
    return str(inspect.signature(function)).replace("'", "")


def _fields(model: type[BaseModel]) -> Iterator[str]:
    properties = model.model_json_schema(by_alias=True).get("properties", {})
    if not model.model_fields:
        yield "No parameters.\n"
        return
    yield "| key | values | default | |\n| --- | --- | --- | --- |"
    for name, field in model.model_fields.items():
        key = field.alias or name
        schema = properties.get(key) or TypeAdapter(field.annotation).json_schema()
        default = "required" if field.is_required() else f"`{_plain(field.get_default(call_default_factory=True))}`"
        about = field.description or inspect.cleandoc(getattr(field.annotation, "__doc__", "") or "").partition("\n")[0]
        yield f"| `{key}` | {_cell(type_words(schema))} | {_cell(default)} | {_cell(about)} |"
    yield ""


def _plain(value: Any) -> str:
    if isinstance(value, BaseModel):
        return "see below"
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    return str(value)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _attributes(cls: type) -> Iterator[str]:
    notes = inspect.get_annotations(cls)
    public = api.PUBLIC_MEMBERS.get(cls.__name__)
    if notes:
        yield "| attribute | type |\n| --- | --- |"
        for name, kind in notes.items():
            if not name.startswith("_") and (public is None or name in public):
                yield f"| `{name}` | `{_cell(str(kind))}` |"
        yield ""
    for name, function in inspect.getmembers(cls, inspect.isfunction):
        if name.startswith("_") or (public is not None and name not in public):
            continue
        if function.__qualname__.startswith(cls.__name__) and function.__doc__:
            yield f"`{name}{_signature(function)}`\n: {' '.join(inspect.cleandoc(function.__doc__).split())}\n"


if __name__ == "__main__":
    write(Path(sys.argv[1]))
