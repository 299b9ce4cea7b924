"""Entries of sets come and go: what a rule adds, what comes from outside, and which flows are decided again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pywall_core.api import ACCEPT, DROP
from pywall_core.engine.set_changes import kernel_drops, set_entries
from pywall_core.packet.decode import decode
from pywall_core.testing import engine, udp_packet

A, B, SERVER = "192.0.2.7", "192.0.2.8", "198.51.100.2"
BLOCK = [{"rule": "ip", "src": "@bad", "action": "DROP"}]


def lab_with(chain: list[dict[str, Any]] | None = None, **sets: Any) -> Any:
    named = sets or {"bad": {"type": "addresses"}}
    return engine({"plugins": ["rules"], "sets": named, "chains": {"INPUT": chain or BLOCK}, "default": "ACCEPT"})


def verdict(lab: Any, src: str, time: float = 1.0, port: int = 53) -> Any:
    return lab.engine.process(decode(udp_packet(src, 1000, SERVER, port, b"x"), time, 1)).action


def change(lab: Any, op: str, *entries: str, name: str = "bad", seconds: float | None = None, now: float = 1.0) -> int:
    request = {"op": op, "set": name, "entries": entries, "for": seconds}
    return len(lab.engine.set_changes.apply(request, now))


def test_an_accepted_flow_is_dropped_when_its_address_comes_in_and_begins_again_when_it_goes() -> None:
    lab = lab_with()
    assert verdict(lab, A) is ACCEPT
    assert change(lab, "add", A) == 1
    assert verdict(lab, A) is DROP
    assert verdict(lab, B) is ACCEPT, "another address"
    assert change(lab, "delete", A) == 1
    assert verdict(lab, A) is ACCEPT


def test_entries_end_with_their_time() -> None:
    lab = lab_with()
    change(lab, "add", A, seconds=5.0, now=1.0)
    assert verdict(lab, A, 2.0) is DROP
    lab.engine.advance(7.5)
    assert verdict(lab, A, 7.5) is ACCEPT


def test_what_does_not_fit_is_counted_and_the_rest_is_done() -> None:
    lab = lab_with(bad={"type": "addresses", "size": 1})
    assert change(lab, "add", "no address", A, B) == 0
    assert lab.engine.set_changes.refused == 2, "one is no address, for one there is no room"
    assert verdict(lab, A) is DROP
    assert change(lab, "add", A, name="absent") == 0


def test_a_rule_adds_what_it_matches_for_a_time() -> None:
    add = {"rule": "port", "dst": 23, "action": "DROP", "add": {"set": "bad", "key": "src", "for": "10s"}}
    lab = lab_with([*BLOCK, add])
    reported: list[dict[str, Any]] = []
    lab.engine.set_changes.report = reported.append
    verdict(lab, A, 1.0, port=23)
    verdict(lab, A, 1.5, port=23)
    assert verdict(lab, A, 2.0) is DROP, "what it sends elsewhere too"
    assert [one["entries"] for one in reported][:1] == [[A]]
    assert {event["set"]["entry"] for event in lab.events if event["event_type"] == "set"} == {A}
    lab.engine.advance(20.0)
    assert verdict(lab, A, 20.0) is ACCEPT


def test_a_file_is_read_again_and_one_with_errors_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / "bad.txt"
    file.write_text(f"{A}\n")
    lab = lab_with(bad={"type": "addresses", "file": str(file)})
    config = lab.engine.config
    assert verdict(lab, A) is DROP
    file.write_text(f"{B}\n")
    lab.engine.set_changes.reload("bad", config)
    assert [verdict(lab, one) for one in (A, B)] == [ACCEPT, DROP]
    file.write_text("no address\n")
    assert lab.engine.set_changes.reload("bad", config) == []
    assert verdict(lab, B) is DROP
    assert lab.engine.set_changes.reload("absent", config) == []


def test_entries_are_listed_with_what_is_left_and_members_are_found() -> None:
    lab = lab_with(bad={"type": "addresses"}, ports={"type": "ports", "entries": [22, "8000-8100"]})
    change(lab, "add", "192.0.2.0/24")
    change(lab, "add", B, seconds=60.0, now=1.0)
    sets = lab.engine.sets
    listed = set_entries(sets, {"set": "bad"}, 11.0)
    assert listed is not None
    assert {one["entry"]: one["left"] for one in listed["entries"]} == {"192.0.2.0/24": None, B: 50.0}
    assert len((set_entries(sets, {"set": "bad", "limit": 1}, 11.0) or {})["entries"]) == 1
    asked = set_entries(sets, {"set": "bad", "test": [A, "203.0.113.1", "nonsense"]}, 11.0)
    assert asked is not None
    assert asked["members"] == {A: True, "203.0.113.1": False, "nonsense": False}
    ports = set_entries(sets, {"set": "ports", "test": ["22", 8050, "9000", "x"]}, 11.0)
    assert ports is not None
    assert ports["members"] == {"22": True, "8050": True, "9000": False, "x": False}
    assert set_entries(sets, {"set": "absent"}, 11.0) is None


@pytest.mark.parametrize(
    ("first", "found"),
    [
        ([], [("INPUT", "bad", "src")]),
        ([{"rule": "log"}], []),
        ([{"rule": "ip", "src": "@bad", "action": "DROP", "observe": True}], []),
        ([{"rule": "ip", "src": "@bad", "action": "REJECT"}], []),
        ([{"rule": "ip", "dst": "@bad", "action": "DROP"}], [("INPUT", "bad", "dst"), ("INPUT", "bad", "src")]),
    ],
)
def test_the_kernel_drops_what_the_first_rules_ask_of_sets_alone(first: Any, found: Any) -> None:
    lab = lab_with([*first, *BLOCK])
    assert kernel_drops(lab.engine.chains, observe=False) == found
    assert kernel_drops(lab.engine.chains, observe=True) == []
