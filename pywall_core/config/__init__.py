"""The configuration: one YAML file, checked completely before anything is touched.

Two steps: :func:`load` reads structure and plugin names; when the plugins are loaded, :func:`bind_chains` checks the
rules with the rule kinds that they bring. ``load(source, strict=False)`` postpones errors, so that those of both steps
come together: the caller ends with ``bind_chains``, or with ``config.check()``.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib import resources
from typing import Any

from pydantic import ValidationError

from ..installed import entry_points
from .bound_rule import AllOf, AnyOf, BoundRule, Condition, Not, leaves
from .document import Document
from .errors import ConfigError, Path, Problem, explain, nearest, path_text, shown
from .failure_section import Failure
from .files import bundle, read_file, unbundle
from .foreign_file import MAX_HEAD, file_form
from .model import Config, Default, Detection, Events, PluginEntry, Run, Table
from .queue_section import Queue
from .repair import without
from .resolve import resolve
from .rules import bind_chains
from .section import Section
from .sets import place_files

__all__ = [
    "AllOf",
    "AnyOf",
    "BoundRule",
    "Condition",
    "Config",
    "ConfigError",
    "Default",
    "Detection",
    "Events",
    "Failure",
    "Not",
    "Path",
    "PluginEntry",
    "Problem",
    "Queue",
    "Run",
    "Section",
    "Table",
    "bind_chains",
    "leaves",
    "load",
    "loads",
    "nearest",
    "path_text",
    "policies",
    "read",
    "shown",
]

POLICY = "policy:"
DEFAULT_POLICY = "policy:default"


def load(source: str | os.PathLike[str] | None = None, *, strict: bool = True) -> Config:
    """Read a configuration: a file, a ready-made policy (``policy:NAME``), or the embedded default (None).

    :param strict: False notes errors in ``config.problems`` as far as the rest can still be read
    :raises ConfigError: all errors, a line each
    """
    name, text, warnings = read(source)
    config = loads(text, name, strict=strict)
    _note(config, warnings)
    return config


def read(source: str | os.PathLike[str] | None = None, *, silence: float | None = None) -> tuple[str, bytes, list[str]]:
    """Return the name and text of a configuration and warnings about its file, so that several processes can use the
    same text. The text holds what the file includes as well, see :mod:`pywall_core.config.files`.

    :param silence: seconds without a byte after which a pipe or a terminal is given up; None waits
    :raises ConfigError: it cannot be read, or should not be trusted
    """
    name = DEFAULT_POLICY if source is None else os.fspath(source)
    warnings: list[str] = []
    if name.startswith(POLICY):
        return name, _policy_text(name), warnings
    return name, bundle(name, read_file(name, warnings, silence), warnings, silence), warnings


def loads(text: bytes, name: str, *, strict: bool = True) -> Config:
    """Return the configuration that a text holds; ``name`` stands for its file in messages. Otherwise as
    :func:`load`.
    """
    warnings: list[str] = []
    if form := file_form(text[:MAX_HEAD].decode("utf-8", "replace")):
        raise ConfigError([Problem(1, 1, "", f"it is no policy but {form}", name)])
    document = resolve(unbundle(text, name))
    if name == DEFAULT_POLICY:
        _leave_out_absent(document.data, warnings)
    config = _build(document)
    _note(config, warnings)
    if strict:
        config.check()
    return config


def _note(config: Config, warnings: Iterable[str]) -> None:
    """Warnings about the whole file go in front of those about its content."""
    config._document.warnings[:0] = [Problem(0, 0, "", message, code="W001") for message in warnings]


def policies() -> dict[str, str]:
    """Return the names of the ready-made policies, each with the first comment line of its file."""
    folder = resources.files("pywall_core.policies")
    files = sorted((entry for entry in folder.iterdir() if entry.name.endswith(".yaml")), key=lambda entry: entry.name)
    return {
        entry.name.removesuffix(".yaml"): entry.read_text(encoding="utf-8").partition("\n")[0].lstrip("# ")
        for entry in files
    }


def _policy_text(name: str) -> bytes:
    wanted = name.removeprefix(POLICY)
    folder = resources.files("pywall_core.policies")
    if f"{wanted}.yaml" not in (entry.name for entry in folder.iterdir()):
        known = policies()
        message = f"no such ready-made policy{nearest(wanted, known)} (known: {', '.join(known)})"
        raise ConfigError([Problem(0, 0, "", message, name)])
    return folder.joinpath(f"{wanted}.yaml").read_bytes()


def _leave_out_absent(data: dict[str, Any], warnings: list[str]) -> None:
    """The embedded default works with whatever first-party plugins are installed."""
    installed = {point.name for point in entry_points(group="pywall.plugins")}
    absent = [name for name in data["plugins"] if name not in installed]
    if "stream" in absent:  # the others read TCP through it
        absent = [name for name in data["plugins"] if name != "rules" or name in absent]
    if absent:
        warnings.append(
            f"not installed, the default policy goes without: {', '.join(absent)}; in a clone of PyWall, "
            "`pip install ./plugins/*` brings all plugins (docs/install.md)"
        )
    data["plugins"] = [name for name in data["plugins"] if name not in absent]
    if "rules" in absent:
        data["chains"] = {}


def _build(document: Document) -> Config:
    """Return the configuration that a document holds; sections that are wrong are noted and taken at their defaults."""
    data = document.data
    if not isinstance(data, dict):
        what = "empty" if data is None else shown(data)
        rules = "; rules belong to a chain, chains: {INPUT: [...]}" if isinstance(data, list) and data else ""
        document.error((), f"{what}: a configuration is a mapping; the least is 'version: 1'{rules}")
        raise ConfigError(document.problems)
    objected: set[Path] = set()
    while True:
        try:
            config = Config.model_validate(data)
            break
        except ValidationError as error:
            found = [(path, message) for path, message in explain(error, Config, data) if path not in objected]
            if not found:
                raise ConfigError(document.problems) from None
            for path, message in found:
                document.error(path, message, key=message.startswith("unknown key"))
            objected.update(path for path, _ in found)
            data = without(data, [path for path, _ in found])
    config._document = document
    place_files(config)
    return config
