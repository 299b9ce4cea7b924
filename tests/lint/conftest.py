"""Policies of a few rules, and what `pywall check` finds suspicious about them."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.cli.common import prepare
from pywall_core.lint import kinds as kinds_module
from pywall_core.lint import lint, mtu, session


def findings(source: str) -> list[tuple[int, str, str]]:
    """Line, code and words of each warning."""
    config, plugins, chains = prepare(source)
    lint(config, plugins, chains)
    return [(problem.line, problem.code, problem.message) for problem in config.suspicious]


@pytest.fixture(autouse=True)
def machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with two interfaces, on which nobody is logged in."""
    monkeypatch.setattr(kinds_module, "interfaces", lambda: frozenset({"lo", "eth0"}))
    monkeypatch.setattr(mtu, "mtus", lambda: {"lo": 65536, "eth0": 1500})
    monkeypatch.setattr(session, "ssh_connection", lambda: None)


def policy(tmp_path: Path, rules: str, rest: str = "", plugins: str = "rules") -> str:
    file = tmp_path / "p.yaml"
    lines = "".join(f"    - {rule}\n" for rule in rules.splitlines())
    file.write_text(f"version: 1\nplugins: [{plugins}]\n{rest}chains:\n  INPUT:\n{lines}")
    return str(file)
