"""What a plugin's command is for, read from the source of its entry point: nothing of the plugin is imported."""

from __future__ import annotations

import ast
import importlib.util
import re
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path


def purpose(point: EntryPoint) -> str:
    """Return how the command's description begins (``parser.description = "..."`` in its function), or the summary of
    its distribution where there is no such text.
    """
    text = next(_descriptions(point), "") or (point.dist.metadata["Summary"] if point.dist else "") or point.value
    begin = re.split(r"[.:](?:\s|$)", " ".join(text.split()), maxsplit=1)[0]
    return begin[:1].lower() + begin[1:]


def _descriptions(point: EntryPoint) -> Iterator[str]:
    """Yield the texts that the entry point's function assigns to an attribute ``description``."""
    source = _source(point.module)
    try:
        tree = ast.parse(source.read_bytes()) if source else None
    except (OSError, SyntaxError, ValueError):
        return  # the command itself tells, when it is typed
    for node in ast.walk(tree) if tree else ():
        if not isinstance(node, ast.FunctionDef) or node.name != point.attr:
            continue
        for inner in ast.walk(node):
            if not isinstance(inner, ast.Assign) or not isinstance(inner.value, ast.Constant):
                continue
            target, value = inner.targets[0], inner.value.value
            if isinstance(target, ast.Attribute) and target.attr == "description" and isinstance(value, str):
                yield value


def _source(module: str) -> Path | None:
    """Return the file of a module, found below its top package, which is looked up and not imported."""
    top, *rest = module.split(".")
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return None
    if spec is None:
        return None
    if not rest:
        return Path(spec.origin) if spec.origin and spec.origin.endswith(".py") else None
    for folder in spec.submodule_search_locations or ():
        for path in (Path(folder, *rest).with_suffix(".py"), Path(folder, *rest, "__init__.py")):
            if path.is_file():
                return path
    return None
