"""Verdict, Match and Facts: plain data, compared by what they say."""

from __future__ import annotations

from pywall_core.api import ACCEPT, DROP, Match, Verdict


def test_a_match_describes_itself_at_most_once() -> None:
    asked: list[int] = []

    def describe() -> dict[str, object]:
        asked.append(1)
        return {"version": 2}

    match = Match("toy", {"name": "x"}, confirmed=False, done=False, restart=(1, 2), anomaly="odd", describe=describe)
    full = match.described()
    assert full == Match("toy", {"name": "x", "version": 2}, False, False, (1, 2), "odd")
    assert full.described() is full
    assert asked == [1]
    assert match.facts == {"name": "x"}, "the match itself is left as it was"


def test_what_is_not_read_yet_makes_no_difference() -> None:
    assert Match("toy", describe=dict) == Match("toy")


def test_verdicts_are_compared_by_what_they_say() -> None:
    assert Verdict(ACCEPT, rule="INPUT[0]") == Verdict(ACCEPT, rule="INPUT[0]")
    assert Verdict(ACCEPT) != Verdict(DROP)
    assert len({Verdict(ACCEPT, rule="a"), Verdict(ACCEPT, rule="a"), Verdict(ACCEPT, rule="b")}) == 2
