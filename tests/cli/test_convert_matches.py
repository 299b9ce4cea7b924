"""Matches that count, know sets, the time or the user; and those that cannot be said."""

from __future__ import annotations

import pytest

from pywall_core.cli.convert_iptables import convert

MATCHES = [
    ("-m iprange --src-range 10.0.0.1-10.0.0.9 -j ACCEPT", {"rule": "ip", "src": "10.0.0.1-10.0.0.9"}),
    ("-m set --match-set blocked src -j DROP", {"rule": "ip", "src": "@blocked"}),
    ("-m owner --uid-owner 1000 -j DROP", {"rule": "user", "is": 1000}),
    ("-m connlimit --connlimit-above 20 -j REJECT", {"rule": "limit", "concurrent": 20}),
    (
        "-m recent --update --seconds 60 --hitcount 4 --name SSH --rsource -j DROP",
        {"rule": "seen", "times": 4, "within": "60s"},
    ),
    (
        "-m hashlimit --hashlimit-above 5/min --hashlimit-mode srcip --hashlimit-name x -j DROP",
        {"rule": "limit", "over": "5/m", "of": "packets", "by": "source", "burst": 5},
    ),
    (
        "-m time --timestart 08:00 --timestop 18:00:00 --weekdays Mon,Fri -j DROP",
        {"rule": "time", "zone": "UTC", "hours": "08:00-18:00", "days": ["mon", "fri"]},
    ),
]


def converted(line: str) -> tuple[list[dict[str, object]], list[str]]:
    found = convert(f"*filter\n:INPUT DROP [0:0]\n-A INPUT {line}\nCOMMIT\n")
    return found.data["chains"]["INPUT"], found.notes


@pytest.mark.parametrize(("line", "rule"), MATCHES)
def test_a_match_has_an_equal(line: str, rule: dict[str, object]) -> None:
    (found,), _ = converted(line)
    del found["action"]
    assert found == rule


@pytest.mark.parametrize(
    "line",
    [
        "-m recent --rcheck --seconds 60 --hitcount 1 --name KNOCK -j ACCEPT",
        "-m recent --rcheck --name KNOCK -j DROP",
        "-m set --match-set blocked src,dst -j DROP",
        "-m set ! --match-set allowed src -j ACCEPT",
        "-m hashlimit --hashlimit-upto 5mb/s --hashlimit-mode srcip -j ACCEPT",
        "-m hashlimit --hashlimit-upto 5/s --hashlimit-mode srcip,dstport -j ACCEPT",
        "-m owner --uid-owner 1000-2000 -j ACCEPT",
        "-m time --datestart 2026-01-01 -j ACCEPT",
        "-p icmp --icmp-type 8 -j ACCEPT",
    ],
)
def test_what_has_none_is_said_and_not_written(line: str) -> None:
    rules, notes = converted(line)
    assert rules == []
    assert notes[0].startswith("line 3: not converted")
