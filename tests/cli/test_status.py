"""``pywall status``: policy, workers, queues and losses on one screen."""

from __future__ import annotations

import json
from typing import Any

from pywall_core.cli.common import OK


def test_the_state_of_the_firewall_is_one_screen(pywall: Any, counted: Any) -> None:
    code, out, _ = pywall("status")
    assert code == OK
    rows = {line.split("  ")[0].strip(): line for line in out.splitlines()}
    assert "pywall.yaml, mode enforce, generation 3" in rows["policy"]
    assert "1:02:05, process 7, hooks INPUT" in rows["running"]
    assert "8 (queue 0, 0:01:01)" in rows["workers"]
    assert "1 workers; rules put back 2 times" in rows["replaced"]
    assert "4 packets" in rows["verdicts"]
    assert "4 wait, 9 came" in rows["queue 0"]
    assert rows["lost"].split("  ")[-1].strip() == "5 queue full", "what is zero is left out"
    assert rows["quarantined"].endswith("none")


def test_the_state_as_json_has_the_sums(pywall: Any, counted: Any) -> None:
    _, out, _ = pywall("status", "--json")
    answer = json.loads(out)
    assert (answer["packets"], answer["quarantined"]) == (4, [])
