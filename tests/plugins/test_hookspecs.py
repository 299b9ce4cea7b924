"""The hooks: each says what it is for, of what types, and has the prefix by which plugins are read."""

from __future__ import annotations

import inspect

import pytest

from pywall_core import hookspecs
from pywall_core.plugins.registry import PREFIX

HOOKS = {name: value for name, value in vars(hookspecs).items() if name.startswith(PREFIX)}


def test_every_function_is_a_hook() -> None:
    functions = {name for name, value in vars(hookspecs).items() if inspect.isfunction(value)}
    assert functions == set(HOOKS)
    assert len(HOOKS) >= 20
    assert all(hasattr(hook, "pywall_spec") for hook in HOOKS.values())


@pytest.mark.parametrize("name", HOOKS)
def test_a_hook_is_typed_and_described(name: str) -> None:
    hook = HOOKS[name]
    assert inspect.getdoc(hook)
    assert "return" in hook.__annotations__
    assert set(inspect.signature(hook).parameters) == set(hook.__annotations__) - {"return"}
