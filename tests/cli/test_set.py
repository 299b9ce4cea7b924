"""``pywall set``: what is asked of the firewall, and what a reader sees of its answer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pywall_core.cli.common import FAILURE, OK, USAGE
from pywall_core.kernel import checks

POLICY = "version: 1\nsets:\n  bad: {type: addresses, file: bad.txt}\n  here: {type: addresses, entries: [192.0.2.1]}\n"


def test_entries_are_added_with_a_time_to_live(pywall: Any, firewall: Any) -> None:
    firewall.answers["set"] = {"ok": True}
    assert pywall("set", "add", "blocked", "192.0.2.7", "192.0.2.8", "--for", "10m").code == OK
    assert pywall("set", "del", "blocked", "192.0.2.7").code == OK
    added, deleted = firewall.requests
    assert (added["op"], added["entries"], added["for"]) == ("add", ["192.0.2.7", "192.0.2.8"], 600.0)
    assert (deleted["op"], deleted["entries"], deleted["for"]) == ("delete", ["192.0.2.7"], None)


def test_sets_of_all_workers_are_listed_once(pywall: Any, firewall: Any) -> None:
    sets = {"blocked": {"type": "addresses", "entries": 3}}
    firewall.answers["stats"] = {"ok": True, "stats": [{"sets": sets}, {"sets": sets}, {}]}
    _, out, _ = pywall("set", "list")
    assert [line.split() for line in out.splitlines()] == [["set", "type", "entries"], ["blocked", "addresses", "3"]]
    assert json.loads(pywall("set", "list", "--json").out) == sets


@pytest.mark.parametrize(
    ("left", "text"),
    [(None, ""), (0.4, "0s"), (119, "119s"), (120, "2m"), (7199, "120m"), (7200, "2h"), (200_000, "2d")],
)
def test_times_left_are_short(pywall: Any, firewall: Any, left: float | None, text: str) -> None:
    entries = [{"entry": "192.0.2.7", "left": left}]
    firewall.answers["set-entries"] = {"ok": True, "set": "b", "type": "addresses", "size": 1, "entries": entries}
    _, out, _ = pywall("set", "list", "b")
    assert out.splitlines()[1].split() == ["192.0.2.7", *([text] if text else [])]


def test_that_entries_are_left_out_is_said(pywall: Any, firewall: Any) -> None:
    entries = [{"entry": "192.0.2.7", "left": None}]
    firewall.answers["set-entries"] = {"ok": True, "set": "b", "type": "addresses", "size": 9, "entries": entries}
    assert pywall("set", "list", "b", "--limit", "1").out.endswith("1 of 9 entries; --limit shows more\n")
    assert firewall.requests[-1]["limit"] == 1


def test_membership_is_the_exit_code(pywall: Any, firewall: Any) -> None:
    firewall.answers["set-entries"] = {"ok": True, "members": {"192.0.2.7": True, "192.0.2.8": False}}
    code, out, _ = pywall("set", "test", "b", "192.0.2.7", "192.0.2.8")
    assert (code, out) == (FAILURE, "192.0.2.7: in @b\n192.0.2.8: not in @b\n")
    firewall.answers["set-entries"] = {"ok": True, "members": {"192.0.2.7": True}}
    assert pywall("set", "test", "b", "192.0.2.7").code == OK
    firewall.answers["set-entries"] = {"ok": False, "error": "no set 'b'"}
    code, _, err = pywall("set", "test", "b", "192.0.2.7")
    assert (code, err) == (USAGE, "set: no set 'b'\n")


@pytest.mark.parametrize("words", [["add", "b", "192.0.2.7"], ["list"], ["list", "b"]])
def test_without_a_firewall_it_fails_with_a_reason(pywall: Any, firewall: Any, words: list[str]) -> None:
    firewall.runs = False
    code, out, err = pywall("set", *words)
    assert (code, out) == (FAILURE, "")
    assert "no firewall runs" in err


def test_refresh_reads_files_again_and_names_sets_without_one(
    pywall: Any, firewall: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(POLICY)
    (tmp_path / "bad.txt").write_text("192.0.2.7\n")
    monkeypatch.setattr(checks, "is_running", lambda: True)
    firewall.answers["set"] = {"ok": True}
    assert pywall("set", "refresh", "--config", policy).code == OK
    assert firewall.requests == [{"command": "set", "op": "reload", "set": "bad"}]
    code, _, err = pywall("set", "refresh", "--config", policy, "here")
    assert code == USAGE
    assert "has no set 'here' with a file" in err
    monkeypatch.setattr(checks, "is_running", lambda: False)
    code, _, err = pywall("set", "refresh", "--config", policy)
    assert code == OK
    assert "reads the files when it starts" in err
