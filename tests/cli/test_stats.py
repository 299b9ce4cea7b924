"""``pywall stats``: the counters of all workers, summed."""

from __future__ import annotations

import json
from typing import Any

from pywall_core.cli.common import OK


def test_counters_of_all_workers_are_summed_by_rule(pywall: Any, counted: Any) -> None:
    code, out, _ = pywall("stats")
    assert code == OK
    (row,) = [line for line in out.splitlines() if "no DNS" in line and "drop" in line.lower()]
    assert "2" in row.split()


def test_as_json_they_are_one_object(pywall: Any, counted: Any) -> None:
    _, out, _ = pywall("stats", "--json")
    stats = json.loads(out)["stats"]
    assert stats["packets"] == 4
    assert stats["verdicts"]["drop"] == stats["verdicts"]["accept"] == 2
