"""The mark of a hook's implementation, for functions in Python and compiled ones."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import pluggy

Hook = TypeVar("Hook", bound=Callable[..., Any])

_mark = pluggy.HookimplMarker("pywall")


def hookimpl(function: Hook) -> Hook:
    """Marks a function or method as the implementation of the hook that it is named after."""
    try:
        return _mark(function)
    except AttributeError:
        marked: Hook = _mark(_carrier(function))
        return marked


def _carrier(function: Any) -> Any:
    """A compiled function takes no attributes, and pluggy takes Python functions only: one that stands for it.

    pluggy calls the cold hooks by their arguments' names, so only hot ones may be compiled.
    """

    @wraps(function)
    def carrier(*args: Any) -> Any:
        return function(*args)

    carrier.compiled = function  # type: ignore[attr-defined]
    return carrier


def direct(hook: Callable[..., Any]) -> Callable[..., Any]:
    """What to call for a hook implementation: the compiled function itself where there is one."""
    return getattr(hook, "compiled", hook)
