"""Our rules are put in for both families or for none, kept, and taken out; a fake plays iptables of both families."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from pywall_core.kernel import conntrack, firewall, forwarding, ipset, mark_guard, nftables
from pywall_core.kernel.command import CommandError
from pywall_core.kernel.firewall import Firewall
from pywall_core.kernel.iptables import IPTables, Saved
from pywall_core.kernel.marks import Marks
from pywall_core.kernel.ruleset import Plan, SetDrop
from pywall_core.kernel.rundir import RunDir

PLAN = Plan(("INPUT", "OUTPUT"), 3)
FOREIGN = "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT"


class FakeTables:
    """One family: built-in chains, one rule of somebody else, and a small iptables-restore --noflush."""

    def __init__(self, family: int) -> None:
        self.family = family
        self.variant = "legacy"
        self.chains = {
            "filter": {"INPUT": [FOREIGN], "OUTPUT": [], "FORWARD": []},
            "mangle": {"INPUT": [], "OUTPUT": [], "FORWARD": []},
            "raw": {"PREROUTING": []},
        }
        #: texts that are refused, and what happens after each text that is taken
        self.refuses: Any = lambda text: False
        self.meanwhile: Any = lambda: None
        self.tested = 0

    def save(self) -> dict[str, Saved]:
        return {
            table: Saved(tuple(chains), tuple(rule for rules in chains.values() for rule in rules))
            for table, chains in self.chains.items()
        }

    def apply(self, text: str) -> None:
        if self.refuses(text):
            raise CommandError(f"family {self.family}: refused")
        chains: dict[str, list[str]] = {}
        for line in text.splitlines():
            words = line.split(" ")
            if line.startswith("*"):
                chains = self.chains[line[1:]]
            elif line.startswith(":"):
                chains[words[0][1:]] = []
            elif line.startswith("-A"):
                chains[words[1]].append(line)
            elif line.startswith("-I"):
                chains[words[1]].insert(0, " ".join(["-A", words[1], *words[3:]]))
            elif line.startswith("-D"):
                chains[words[1]].remove("-A" + line[2:])
            elif line.startswith("-F"):
                chains[words[1]] = []
            elif line.startswith("-X"):
                del chains[words[1]]
        self.meanwhile()

    stop_queueing: Any = IPTables.stop_queueing

    def test(self, text: str) -> None:
        self.tested += 1
        if self.refuses(text):
            raise CommandError("unknown match")

    def queued(self) -> int:
        return 21

    def own(self) -> set[str]:
        """What is ours: chains, and jumps to them."""
        saved = self.save().values()
        return {name for table in saved for name in (*table.own_chains(), *table.jumps())}


@pytest.fixture
def families(monkeypatch: pytest.MonkeyPatch) -> dict[int, FakeTables]:
    fakes = {family: FakeTables(family) for family in (4, 6)}
    monkeypatch.setattr(firewall, "IPTables", lambda family, variant: fakes[family])
    monkeypatch.setattr(firewall, "Path", lambda _: Path("/"))  # the kernel has IPv6
    monkeypatch.setattr(mark_guard, "install", lambda *_: None)
    monkeypatch.setattr(mark_guard, "remove", lambda: None)
    monkeypatch.setattr(mark_guard, "present", dict)
    monkeypatch.setattr(nftables, "generation", lambda: 0)
    monkeypatch.setattr(ipset, "left_over", list)
    monkeypatch.setattr(ipset, "destroy", lambda _: None)
    return fakes


@pytest.fixture
def cleared(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Marks]:
    """Marks that were taken off connections; the kernel's accounting is a file."""
    found: list[Marks] = []
    monkeypatch.setattr(conntrack, "clear_marks", found.append)
    monkeypatch.setattr(conntrack, "ACCOUNTING", tmp_path / "acct")
    (tmp_path / "acct").write_text("0\n")
    return found


@pytest.fixture
def wall(families: dict[int, FakeTables], cleared: list[Marks], tmp_path: Path) -> Iterator[Firewall]:
    rundir = RunDir(tmp_path)
    rundir.acquire()
    yield Firewall(rundir)
    rundir.release()


def test_rules_are_put_in_for_both_families_and_taken_out_again(
    wall: Firewall, families: dict[int, FakeTables]
) -> None:
    before = {family: tables.save() for family, tables in families.items()}
    assert wall.install(PLAN) == PLAN
    for tables in families.values():
        assert {"PYWALL_INPUT", "PYWALL_OUTPUT", "PYWALL_QUEUE"} <= tables.own()
        assert FOREIGN in tables.chains["filter"]["INPUT"]
    assert wall.queued() == 42
    wall.remove()
    assert {family: tables.save() for family, tables in families.items()} == before


def test_a_family_that_refuses_takes_the_other_one_back(wall: Firewall, families: dict[int, FakeTables]) -> None:
    families[6].refuses = lambda text: "-A" in text
    with pytest.raises(CommandError, match="family 6: refused"):
        wall.install(PLAN)
    assert families[4].own() == set()
    assert families[6].own() == set()


def test_a_change_that_is_refused_leaves_the_rules_before_it(wall: Firewall, families: dict[int, FakeTables]) -> None:
    wall.install(PLAN)
    before = {family: deepcopy(tables.chains) for family, tables in families.items()}
    families[6].refuses = lambda text: "PYWALL_FORWARD" in text
    with pytest.raises(CommandError):
        wall.install(Plan(("FORWARD",), 7))
    assert {family: tables.chains for family, tables in families.items()} == before
    assert wall.keep() == []


def test_what_somebody_else_changes_is_put_back_and_named(wall: Firewall, families: dict[int, FakeTables]) -> None:
    wall.install(PLAN)
    assert wall.keep() == []
    families[6].chains["mangle"]["INPUT"].clear()
    families[4].chains["mangle"]["PYWALL_QUEUE"].clear()
    assert wall.keep() == ["iptables mangle PYWALL_QUEUE", "ip6tables mangle INPUT"]
    assert wall.keep() == []


def test_sets_that_somebody_else_destroyed_keep_no_rule_out(wall: Firewall, families: dict[int, FakeTables]) -> None:
    """`iptables -F; ipset destroy`, a restart of firewalld: the rules that name a set are refused from then on."""
    plan = wall.install(Plan(("INPUT", "OUTPUT"), 3, drops=(SetDrop("INPUT", "bans", "src"),)))
    for tables in families.values():
        for table, names in (("mangle", ("INPUT", "OUTPUT", "FORWARD")), ("raw", ("PREROUTING",))):
            tables.chains[table] = {name: [] for name in names}
        tables.refuses = lambda text: "--match-set" in text
    changed = wall.keep()
    assert changed[0] == firewall.SETS
    for tables in families.values():
        assert {"PYWALL_INPUT", "PYWALL_OUTPUT", "PYWALL_QUEUE"} <= tables.own()
        tables.refuses = lambda text: False
    assert wall.keep() == []
    assert wall.install(plan) == plan, "the sets are there again"
    assert any("--match-set" in rule for rules in families[4].chains["raw"].values() for rule in rules)


def test_a_rule_in_front_of_ours_counts_as_a_change(wall: Firewall, families: dict[int, FakeTables]) -> None:
    wall.install(PLAN)
    families[4].chains["mangle"]["INPUT"].insert(0, "-A INPUT -j ACCEPT")
    assert wall.keep() == ["iptables mangle INPUT"]
    assert families[4].chains["mangle"]["INPUT"][0].endswith("-j PYWALL_INPUT")
    assert "-A INPUT -j ACCEPT" in families[4].chains["mangle"]["INPUT"], "it is not ours to remove"


def test_rules_that_are_changed_again_and_again_end_in_an_error(
    wall: Firewall, families: dict[int, FakeTables]
) -> None:
    families[4].meanwhile = lambda: families[4].chains["mangle"]["INPUT"].clear()
    with pytest.raises(CommandError, match="somebody else changes our rules"):
        wall.install(PLAN)


def test_marks_of_former_generations_are_taken_off(wall: Firewall, cleared: list[Marks]) -> None:
    first, second = Marks(), Marks.draw(Marks().mask, 1, [Marks().packet_tag, Marks().connection_tag])
    wall.install(Plan(("INPUT",), 3, marks=first))
    assert cleared == []
    wall.install(Plan(("INPUT",), 3, marks=second))
    assert cleared == []
    wall.clear_former_marks()
    assert cleared == [first]
    wall.clear_former_marks()
    assert cleared == [first]


def test_marks_that_could_not_be_taken_off_are_tried_at_the_next_change(
    wall: Firewall, cleared: list[Marks], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = Marks(), Marks.draw(Marks().mask, 1, [Marks().packet_tag, Marks().connection_tag])
    wall.install(Plan(("INPUT",), 3, marks=first))

    def fails(_: Marks) -> int:
        raise OSError("no netlink")

    with monkeypatch.context() as patch:
        patch.setattr(conntrack, "clear_marks", fails)
        wall.install(Plan(("INPUT",), 3, marks=second))
        wall.clear_former_marks()
    wall.remove()
    assert first in cleared
    assert second in cleared


def test_without_a_match_that_the_kernel_lacks_all_segments_are_queued(
    wall: Firewall, families: dict[int, FakeTables], caplog: pytest.LogCaptureFixture
) -> None:
    families[6].refuses = lambda text: "connbytes" in text
    plan = Plan(("INPUT",), 3, skip_bare_acks=True)
    assert wall.install(plan) == Plan(("INPUT",), 3)
    assert "the kernel lacks u32 or connbytes" in caplog.text


@pytest.mark.parametrize("lacking", ["*raw", "connbytes", "*raw connbytes"])
def test_each_shortcut_is_left_out_alone(
    wall: Firewall, families: dict[int, FakeTables], caplog: pytest.LogCaptureFixture, lacking: str
) -> None:
    families[4].refuses = lambda text: any(word in text for word in lacking.split())
    drops = (SetDrop("INPUT", "bad", "src"), SetDrop("FORWARD", "bad", "src"))
    done = wall.install(Plan(("INPUT", "FORWARD"), 3, drops=drops, skip_bare_acks=True))
    assert (done.early, done.skip_bare_acks) == ("raw" not in lacking, "connbytes" not in lacking)
    assert ("lacks the table raw" in caplog.text) == ("raw" in lacking)
    assert ("lacks u32 or connbytes" in caplog.text) == ("connbytes" in lacking)


def test_a_fault_that_is_no_shortcut_s_is_an_error(wall: Firewall, families: dict[int, FakeTables]) -> None:
    families[4].refuses = lambda text: True
    with pytest.raises(CommandError, match="unknown match"):
        wall.install(Plan(("INPUT",), 3, skip_bare_acks=True))


def test_drops_follow_when_the_machine_begins_to_forward(
    wall: Firewall, families: dict[int, FakeTables], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forwarding, "host_only", lambda: frozenset({4, 6}))
    before = {family: tables.save() for family, tables in families.items()}
    wall.install(Plan(("INPUT",), 3, drops=(SetDrop("INPUT", "bad", "src"),)))
    assert "PYWALL_PREROUTING" in families[4].chains["raw"]
    monkeypatch.setattr(forwarding, "host_only", lambda: frozenset({6}))
    assert wall.keep() == [], "nobody else has changed a rule"
    assert families[4].chains["raw"] == {"PREROUTING": []}
    assert "match-set PYWALL_bad_4 src" in families[4].chains["mangle"]["PYWALL_INPUT"][0]
    assert families[6].chains["raw"]["PREROUTING"] == ["-A PREROUTING -j PYWALL_PREROUTING"]
    wall.remove()
    assert {family: tables.save() for family, tables in families.items()} == before


def test_what_cannot_be_removed_is_said_after_all_else_is_removed(
    wall: Firewall, families: dict[int, FakeTables], cleared: list[Marks]
) -> None:
    wall.install(PLAN)
    families[4].refuses = lambda text: True
    with pytest.raises(CommandError, match="family 4: refused"):
        wall.remove()
    assert families[6].own() == set()
    assert cleared == [PLAN.marks]


def test_a_clean_up_says_whether_a_killed_run_left_anything(
    wall: Firewall, families: dict[int, FakeTables], tmp_path: Path
) -> None:
    assert not wall.clean_up()
    wall.install(PLAN)
    assert Firewall(RunDir(tmp_path)).clean_up()
    assert families[4].own() == families[6].own() == set()


def test_what_waits_gets_its_verdict_by_the_rules_that_stay(wall: Firewall, families: dict[int, FakeTables]) -> None:
    wall.install(PLAN)
    families[6].refuses = lambda text: "-F PYWALL_QUEUE" in text
    wall.stop_queueing()
    assert families[4].chains["mangle"]["PYWALL_QUEUE"] == []
    assert families[4].chains["mangle"]["PYWALL_TAKE"]
    assert families[6].chains["mangle"]["PYWALL_QUEUE"]
    families[6].refuses = lambda text: False
    wall.remove()
    assert families[4].own() == families[6].own() == set()
