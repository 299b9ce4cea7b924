"""Decisions of a CrowdSec API: what is asked of it, and what holds by its answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.cli.crowdsec_decisions import Decisions, Lapi, LapiError, Wanted, duration

from .crowdsec_api import KEY, FakeApi, decision


def test_an_address_is_free_when_its_last_decision_has_gone() -> None:
    held = Decisions()
    held.start({"new": [decision(1, "203.0.113.1"), decision(2, "203.0.113.1", lasts="1h0m0s")]}, [], 0)
    assert not held.follow({"deleted": [decision(1, "203.0.113.1")]}, 1).delete
    assert held.follow({"deleted": [decision(2, "203.0.113.1")]}, 2).delete == ["203.0.113.1"]
    held.follow({"new": [decision(3, "203.0.113.1")]}, 3)
    both = held.follow({"new": [decision(4, "203.0.113.1")], "deleted": [decision(3, "203.0.113.1")]}, 4)
    assert both.delete == []
    assert both.added == 1


def test_other_scopes_types_and_forms_are_left_out() -> None:
    held = Decisions()
    answer = {
        "new": [
            decision(1, "DE", scope="Country"), decision(2, "203.0.113.1", kind="captcha"), decision(3, "203.0.113"),
            decision(4, "203.0.113.4", lasts="-1s"), decision(5, "203.0.113.5", lasts="soon"), "x", None,
            {"scope": 1, "value": 2}, decision(6, "203.0.113.6/32", scope="Range"),
        ]
    }  # fmt: skip
    changes = held.start(answer, [], 0)
    assert [entry for entries in changes.add.values() for entry in entries] == ["203.0.113.6"]
    assert held.skipped == 8
    assert Decisions(["captcha"]).start(answer, [], 0).added == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("4h", 14400), ("3h59m2.5s", 14342.5), ("350ms", 0.35), ("-1m0s", -60), ("1h0m0.000001s", 3600.000001),
        ("167h59m59.999999999s", 604799.999999999), ("", None), ("4", None), ("4h soon", None), (7, None), (None, None),
        ("12µs", 12e-6),
    ],
)  # fmt: skip
def test_durations_of_go(text: object, seconds: float | None) -> None:
    assert duration(text) == (None if seconds is None else pytest.approx(seconds))


@given(st.recursive(st.none() | st.text() | st.integers(), lambda of: st.lists(of) | st.dictionaries(st.text(), of)))
def test_any_answer_is_taken(anything: Any) -> None:
    held = Decisions()
    held.start({"new": anything, "deleted": anything}, [], 0)
    held.follow({"new": anything, "deleted": anything}, 0)
    assert len(held) == 0


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"url": "ftp://x"}, "should be http://HOST:8080"),
        ({"key": "wrong"}, "answered 403: the key is wrong; 'cscli bouncers add pywall' makes one"),
        ({"url": "http://127.0.0.1:1"}, "http://127.0.0.1:1: "),
        ({"answer": b"[]"}, "is not that of a CrowdSec API"),
        ({"answer": b"\xff"}, "is not that of a CrowdSec API"),
    ],
)
def test_what_is_wrong_is_said(api: FakeApi, change: dict[str, Any], says: str) -> None:
    api.answers = [change.get("answer", b"{}")]
    with pytest.raises(LapiError) as caught:
        Lapi(change.get("url", api.url), change.get("key", KEY)).fetch(startup=True)
    assert says in str(caught.value)


def test_filters_go_to_the_api(api: FakeApi) -> None:
    api.answers = [{"new": None, "deleted": None}]
    Lapi(api.url + "/", KEY, Wanted(origins=("crowdsec", "cscli"), scenarios=("ssh",), without=("slow",))).fetch(
        startup=False
    )
    assert api.queries == [
        {
            "startup": ["false"], "scopes": ["ip,range"], "origins": ["crowdsec,cscli"],
            "scenarios_containing": ["ssh"], "scenarios_not_containing": ["slow"],
        }
    ]  # fmt: skip
