"""A slice of bytes whose end lies before its start is empty in Python, and an error where mypyc has compiled it.

Detectors and classifiers slice by what they are sent. So both bounds are constants, or the end is the start and
something that is not negative, or :func:`pywall_protocols.parsing.wire.cut` is called, or the end is cut off first and
then the start.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).parents[2] / "plugins"
PROTOCOLS, HEDGE = PLUGINS / "protocols", PLUGINS / "hedge"
BUILD = tomllib.loads((HEDGE / "pyproject.toml").read_text())["tool"]["hatch"]["build"]
HOOK = BUILD["targets"]["wheel"]["hooks"]["mypyc"]
COMPILED = [*sorted((PROTOCOLS / "src").rglob("*.py")), *(HEDGE / name.lstrip("/") for name in HOOK["include"])]


def ordered(start: ast.expr, end: ast.expr) -> bool:
    """The end cannot lie before the start, as far as the text tells."""
    first, last = ast.unparse(start), ast.unparse(end)
    if last.startswith(f"{first} + ") and "-" not in last[len(first) :]:
        return True
    if isinstance(end, ast.Name) and end.id.isupper():
        return True  # a header's length
    base, offset = parts(start)
    other, further = parts(end)
    return base == other and offset <= further


def parts(bound: ast.expr) -> tuple[str, int]:
    """An expression without the constant at its end, and the constant."""
    if isinstance(bound, ast.BinOp) and isinstance(bound.right, ast.Constant):
        constant = int(bound.right.value)  # type: ignore[arg-type]
        return ast.unparse(bound.left), constant if isinstance(bound.op, ast.Add) else -constant
    if isinstance(bound, ast.Constant):
        return "", int(bound.value)  # type: ignore[arg-type]
    if isinstance(bound, ast.UnaryOp) and isinstance(bound.operand, ast.Constant):
        return "-", -int(bound.operand.value)  # type: ignore[arg-type]
    return ast.unparse(bound), 0


def doubtful(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Subscript) and isinstance(node.slice, ast.Slice):
            start, end = node.slice.lower, node.slice.upper
            own = path.name == "wire.py" and ast.unparse(node) == "data[start:end]"  # cut itself
            if start is not None and end is not None and not own and not ordered(start, end):
                yield f"{path.name}:{node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", COMPILED, ids=lambda path: path.stem)
def test_no_slice_ends_before_it_starts(path: Path) -> None:
    assert list(doubtful(path)) == []
