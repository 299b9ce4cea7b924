"""The notebook of the manual runs from its first cell to its last, on a capture of the tests."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
NOTEBOOK = ROOT / "docs" / "how-to" / "data-frames.ipynb"


def run_cell(source: str, names: dict[str, Any], environment: dict[str, str]) -> object:
    """Run one cell as Jupyter does: ``!`` lines by the shell; the value of a last expression is returned."""
    if source.startswith("!"):
        done = subprocess.run(source[1:], shell=True, capture_output=True, text=True, env=environment)
        assert done.returncode == 0, done.stderr
        return done.stdout
    tree = ast.parse(source)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    exec(compile(tree, str(NOTEBOOK), "exec"), names)
    return None if last is None else eval(compile(ast.Expression(last.value), str(NOTEBOOK), "eval"), names)


def test_every_cell_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "tests" / "data" / "mixed.pcap", tmp_path / "talks.pcap")
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    notebook = json.loads(NOTEBOOK.read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    values = [
        run_cell("".join(cell["source"]), names, environment)
        for cell in notebook["cells"]
        if cell["cell_type"] == "code"
    ]
    assert "packets, 5 flows" in str(values[0])
    assert "tls" in str(values[1])
    assert "TLS" in str(values[2])
    assert values[3][0][0] == 5  # type: ignore[index]
    assert "ssh" in values[3][1]  # type: ignore[index]
