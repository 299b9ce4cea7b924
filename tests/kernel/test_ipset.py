"""What ipset is asked to do: one restore for many entries, times to live within its range."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from pywall_core.kernel import ipset
from pywall_core.kernel.command import CommandError


class FakeIpset:
    """Notes each call: the words, and the lines of a restore."""

    def __init__(self) -> None:
        self.words: list[list[str]] = []
        self.restored: list[list[str]] = []
        self.lists = ""
        self.refuses = ""

    def run(self, argv: list[str], text: str = "", timeout: float = 30.0) -> str:
        if self.refuses and argv[1] == self.refuses:
            raise CommandError("ipset v7: refused")
        self.words.append(argv[1:])
        if argv[1] == "restore":
            self.restored.append(text.splitlines())
        return self.lists


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeIpset:
    made = FakeIpset()
    monkeypatch.setattr(ipset, "run", made.run)
    monkeypatch.setattr(ipset, "available", lambda: True)
    return made


def test_a_set_is_made_for_both_families_and_emptied(fake: FakeIpset) -> None:
    ipset.create("blocked", 1000)
    assert fake.restored == [
        [
            "create PYWALL_blocked_4 hash:net family inet timeout 0 maxelem 1000 -exist",
            "flush PYWALL_blocked_4",
            "create PYWALL_blocked_6 hash:net family inet6 timeout 0 maxelem 1000 -exist",
            "flush PYWALL_blocked_6",
        ]
    ]


@pytest.mark.parametrize(
    ("seconds", "timeout"), [(inf, 0), (0.2, 1), (59.6, 60), (10.0, 10), (1e12, 2_147_483)], ids=str
)
def test_times_to_live_are_whole_seconds_that_ipset_takes(fake: FakeIpset, seconds: float, timeout: int) -> None:
    ipset.add("blocked", [("192.0.2.7", seconds)])
    assert fake.restored == [[f"add PYWALL_blocked_4 192.0.2.7 timeout {timeout} -exist"]]


def test_entries_go_to_the_set_of_their_family_and_everything_is_two_halves(fake: FakeIpset) -> None:
    ipset.add("all", [("0.0.0.0/0", inf), ("::/0", inf), ("2001:db8::/32", inf)])
    places = [line.split()[1:3] for line in fake.restored[0]]
    assert places == [
        ["PYWALL_all_4", "0.0.0.0/1"],
        ["PYWALL_all_4", "128.0.0.0/1"],
        ["PYWALL_all_6", "::/1"],
        ["PYWALL_all_6", "8000::/1"],
        ["PYWALL_all_6", "2001:db8::/32"],
    ]


def test_many_entries_are_a_few_calls(fake: FakeIpset, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ipset, "_BATCH", 10)
    ipset.add("many", ((f"192.0.2.{n}", inf) for n in range(25)))
    assert [len(lines) for lines in fake.restored] == [10, 10, 5]
    ipset.add("many", [])
    ipset.delete("many", [])
    assert len(fake.restored) == 3, "nothing to do is no call"


def test_entries_are_taken_out(fake: FakeIpset) -> None:
    ipset.delete("blocked", ["192.0.2.7", "2001:db8::1"])
    assert fake.restored == [["del PYWALL_blocked_4 192.0.2.7 -exist", "del PYWALL_blocked_6 2001:db8::1 -exist"]]


def test_a_set_that_is_gone_is_passed_over(fake: FakeIpset) -> None:
    fake.refuses = "destroy"
    ipset.destroy(["a", "b"])
    fake.refuses = ""
    ipset.destroy(["a"])
    assert fake.words == [["destroy", "PYWALL_a_4"], ["destroy", "PYWALL_a_6"]]


def test_our_sets_are_known_by_their_names(fake: FakeIpset, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.lists = "docker_4\nPYWALL_blocked_4\nPYWALL_blocked_6\nPYWALL_else\n"
    assert ipset.left_over() == ["blocked"]
    fake.refuses = "list"
    assert ipset.left_over() == []
    monkeypatch.setattr(ipset, "available", lambda: False)
    assert ipset.left_over() == []


def test_what_ipset_refuses_is_told(fake: FakeIpset) -> None:
    fake.refuses = "restore"
    calls: list[Any] = [lambda: ipset.create("a", 1), lambda: ipset.add("a", [("192.0.2.7", inf)])]
    for call in calls:
        with pytest.raises(CommandError, match="refused"):
            call()
