"""The recipes by program, user and service: each stops and lets pass what it says, for the process that it says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from pywall_core.api import Flow, hookimpl
from pywall_core.testing import engine

from .policy_traffic import connections, send

module = pytest.importorskip("pywall_process.plugin")

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "processes.md"
_RECIPE = re.compile(r"### (.+)\n\n```yaml\n((?:.+\n)+)```\n\nstops: `(.+)`\n\npasses: `(.+)`\n")
RECIPES = _RECIPE.findall(PAGE.read_text())
#: who the process is in a recipe that says less
OTHERS: dict[str, Any] = {"uid": 7, "path": "/usr/bin/something", "pid": 9, "unit": "some.service"}


def test_there_are_ten() -> None:
    assert len(RECIPES) == 10


@pytest.mark.parametrize(("title", "text", "stops", "passes"), RECIPES, ids=[title for title, *_ in RECIPES])
def test_a_recipe_by_process(monkeypatch: pytest.MonkeyPatch, title: str, text: str, stops: str, passes: str) -> None:
    assert outcome(monkeypatch, text, passes) == "passes"
    assert outcome(monkeypatch, text, stops) == "stops"


def outcome(monkeypatch: pytest.MonkeyPatch, text: str, traffic: str) -> str:
    traffic, _, who = traffic.partition(" by ")
    given = dict(part.split("=", 1) for part in who.split())
    facts = {name: int(value) if name == "uid" else value.replace("_", " ") for name, value in given.items()}

    def flow_start(self: object, flow: Flow) -> None:
        for name, value in {**OTHERS, **facts}.items():
            flow.set_fact(f"process.{name}", value)

    monkeypatch.setattr(module.ProcessPlugin, "pywall_flow_start", hookimpl(flow_start))
    chains = "".join(f"  {line}\n" for line in text.splitlines() if not line.startswith("default:"))
    rest = "".join(f"{line}\n" for line in text.splitlines() if line.startswith("default:"))
    lab = engine(f"version: 1\nplugins: [rules, stream, protocols, process]\nchains:\n{chains}{rest}")
    verdicts = [verdict for packets in connections(traffic) for verdict in send(lab, packets)]
    return "passes" if verdicts[-1] else "stops"
