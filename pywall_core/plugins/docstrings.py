"""A plugin's manual text: the docstring of its class or module, which compiled modules keep in their sources only."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path
from types import ModuleType
from typing import Any


def docstring(obj: Any) -> str:
    """Return the docstring, cleaned; empty where there is none."""
    doc = inspect.getdoc(obj)
    if doc is None and isinstance(obj, ModuleType) and (file := getattr(obj, "__file__", None)):
        place = Path(file)
        source = place.with_name(place.name.partition(".")[0] + ".py")
        if source.is_file():
            doc = ast.get_docstring(ast.parse(source.read_text(encoding="utf-8")))
    return doc or ""
