"""The docstring of what a plugin brings: that of the object, else of its class."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

from pywall_core.plugins.docstrings import docstring


class Described:
    """Watches."""


def test_of_a_class_an_instance_and_a_module() -> None:
    assert docstring(Described) == docstring(Described()) == "Watches."
    assert docstring(ModuleType("made", "A module.")) == "A module."


def test_of_a_compiled_module_that_of_its_source(tmp_path: Path) -> None:
    (tmp_path / "made.py").write_text('"""In the source."""\n')
    module = ModuleType("made")
    module.__file__ = str(tmp_path / "made.cpython-311-x86_64-linux-gnu.so")
    assert docstring(module) == "In the source."
    (tmp_path / "made.py").unlink()
    assert docstring(module) == ""
