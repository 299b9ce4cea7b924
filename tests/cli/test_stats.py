"""``pywall stats`` and ``pywall status`` show the counters of all workers, summed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pywall_core.cli.common import OK
from pywall_core.testing import conversation, engine

RULE = {"rule": "port", "dst": 53, "action": "DROP", "comment": "no DNS"}


@pytest.fixture
def counted(firewall: Any) -> Any:
    """Two workers, each of which has dropped one packet of DNS and accepted one."""
    workers = []
    for _ in range(2):
        lab = engine({"plugins": ["rules"], "chains": {"INPUT": [RULE]}})
        lab.send(conversation("udp", ("192.0.2.1", 4000), ("198.51.100.9", 53)).client(b"x"))
        lab.send(conversation("udp", ("192.0.2.1", 4001), ("198.51.100.9", 443)).client(b"y"))
        workers.append(json.loads(json.dumps(lab.engine.stats())))
    firewall.answers["stats"] = {"ok": True, "stats": workers}
    firewall.answers["status"] = {
        "ok": True,
        "pid": 7,
        "policy": "pywall.yaml",
        "mode": "enforce",
        "uptime": 3725.0,
        "hooks": ["INPUT"],
        "generation": 3,
        "workers": [{"pid": 8, "queue": 0, "age": 61.0}],
        "restarts": 1,
        "rules_restored": 2,
        "queues": {"0": {"waiting": 4, "packets": 9}, "lost": {"queue full": 5, "socket buffer full": 0}},
    }
    return firewall


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
