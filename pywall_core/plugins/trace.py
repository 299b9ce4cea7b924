"""PYWALL_PLUGINS_TRACE: cold hook calls on standard error, for authors who wonder whether their hook was called."""

from __future__ import annotations

import os
import reprlib
import sys
from collections.abc import Callable
from typing import Any


def wanted() -> bool:
    """Return True if the environment variable PYWALL_PLUGINS_TRACE is set, to anything."""
    return bool(os.environ.get("PYWALL_PLUGINS_TRACE"))


def traced(plugin: str, hook: str, call: Callable[..., Any]) -> Callable[..., Any]:
    """``call`` that says who was called with what, and what came of it."""

    def traced(*args: Any, **named: Any) -> Any:
        signature = f"{plugin}: {hook}({', '.join(map(_brief, (*args, *named.values())))})"
        try:
            result = call(*args, **named)
        except BaseException as error:
            print(f"{signature} raised {type(error).__name__}: {error}", file=sys.stderr)
            raise
        print(f"{signature} -> {_brief(result)}", file=sys.stderr)
        return result

    return traced


def _brief(value: object) -> str:
    """Plain data in short, objects by their class."""
    plain = value is None or isinstance(value, (bool, int, float, str, bytes, list, tuple, dict))
    return reprlib.repr(value) if plain else type(value).__name__
