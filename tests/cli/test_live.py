"""Commands that ask the running firewall: its answer, or one line why there is none; once, or again and again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pywall_core.cli import live
from pywall_core.cli.common import FAILURE, USAGE
from pywall_core.cli.live import Refused, question


def test_an_answer_is_given_as_it_came(firewall: Any) -> None:
    firewall.answers["status"] = {"ok": True, "pid": 7}
    assert question("status", limit=3) == {"ok": True, "pid": 7}
    assert firewall.requests == [{"command": "status", "limit": 3}]


def test_no_answer_is_said_in_one_line(firewall: Any) -> None:
    with pytest.raises(Refused, match="unknown command"):
        question("status")
    firewall.runs = False
    with pytest.raises(Refused, match="no firewall runs"):
        question("status")


@pytest.mark.parametrize("command", ["status", "stats", "flows"])
def test_without_a_firewall_a_command_fails_in_text_and_as_json(pywall: Any, firewall: Any, command: str) -> None:
    firewall.runs = False
    code, out, err = pywall(command)
    assert (code, out) == (FAILURE, "")
    assert "no firewall runs in this network namespace" in err
    code, out, err = pywall(command, "--json")
    assert (code, err) == (FAILURE, "")
    assert json.loads(out) == {"ok": False, "error": "no firewall runs in this network namespace"}


def test_watch_shows_again_until_it_is_interrupted(pywall: Any, firewall: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    firewall.answers["stats"] = {"ok": True, "stats": []}
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            firewall.runs = False

    monkeypatch.setattr(live.time, "sleep", sleep)
    monkeypatch.setattr("pywall_core.cli.stats.fetch", lambda: question("stats"))
    code, out, _ = pywall("stats", "--json", "--watch", "0.5")
    assert code == FAILURE
    assert waits == [0.5] * 3
    assert out.count('"stats"') == 3


@pytest.mark.parametrize("seconds", ["0", "-1", "nan"])
def test_watch_takes_a_number_of_seconds(pywall: Any, firewall: Any, seconds: str) -> None:
    assert pywall("stats", "--watch", seconds).code == USAGE
    assert firewall.requests == []
