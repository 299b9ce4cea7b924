"""What doctor says of the machine's network: findings, remedies, and nothing about what is ours."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.kernel import checks, machine
from pywall_core.kernel.iptables import Saved
from pywall_core.kernel.ruleset import Plan, ruleset
from pywall_core.sources import nfqueue


def test_the_mtu_of_each_interface_is_read() -> None:
    assert machine.mtus()["lo"] >= 1500


@pytest.mark.parametrize(
    ("mtus", "ok"), [({"lo": 65536, "eth0": 1500}, True), ({"eth0": 9000}, None), ({"a": 3584, "b": 3585}, None)]
)
def test_long_packets_are_a_finding_and_lo_is_none(
    monkeypatch: pytest.MonkeyPatch, mtus: dict[str, int], ok: bool | None
) -> None:
    monkeypatch.setattr(machine, "mtus", lambda: mtus)
    found = machine.links(checks._COPIED)
    assert found[0] is ok
    assert bool(found[2]) is (ok is None)


def test_what_is_copied_is_what_the_queue_copies() -> None:
    assert checks._COPIED == nfqueue.MAX_RANGE


@pytest.mark.parametrize(("now", "ok"), [(10, True), (800, True), (801, False)])
def test_a_crowded_connection_table_is_a_problem(tmp_path: Path, now: int, ok: bool) -> None:
    (tmp_path / "nf_conntrack_max").write_text("1000\n")
    (tmp_path / "nf_conntrack_count").write_text(f"{now}\n")
    found = machine.connections(tmp_path)
    assert found[0] is ok
    assert "of 1000" in found[1]
    assert bool(found[2]) is not ok


def test_what_is_missing_in_the_kernel_is_named(tmp_path: Path) -> None:
    assert machine.connections(tmp_path) == (
        False,
        f"{tmp_path}/nf_conntrack_max is missing",
        "modprobe nf_conntrack",
    )
    assert machine.queues((), tmp_path / "none")[::2] == (False, "modprobe nfnetlink_queue")


def test_queues_of_others_are_named_and_ours_are_not(tmp_path: Path) -> None:
    listing = tmp_path / "queues"
    listing.write_text(
        "    1  77     0 2  3584     0     0       12  1\n    9  78     0 2 65535     0     0        0  1\n"
    )
    ok, found, remedy = machine.queues({1, 2}, listing)
    assert (ok, found) == (None, "another program has bound 9")
    assert "queue.number" in remedy
    assert machine.queues({1, 9}, listing)[0] is True


@pytest.mark.parametrize("workers", [1, 3])
def test_our_queues_are_those_that_our_rules_lead_to(monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    plan = Plan(("INPUT",), 7, workers=workers)
    rules = tuple(f"-A {chain} {rule}" for chain, rules in ruleset(plan, 4)["mangle"].items() for rule in rules)
    others = ("-A INPUT -j NFQUEUE --queue-num 1",)
    monkeypatch.setattr(machine, "_tables", lambda: [(4, Saved((), rules + others))])
    assert machine.own_queues() == set(plan.queues())


@pytest.mark.parametrize(
    "text",
    [
        "*mangle\n:INPUT ACCEPT [0:0]\n:PYWALL_INPUT - [0:0]\n-A INPUT -j PYWALL_INPUT\nCOMMIT\n",
        "table ip mangle {\n\tchain PYWALL_INPUT {\n\t}\n}\n",
    ],
)
def test_saved_rules_that_would_shut_the_host_are_a_problem(tmp_path: Path, text: str) -> None:
    saved = tmp_path / "rules.v4"
    saved.write_text(text)
    ok, found, remedy = machine.rules_left(True, [str(saved), str(tmp_path / "none")])
    assert ok is False
    assert str(saved) in found
    assert "stopped" in remedy
    saved.write_text("*filter\n-A INPUT -m comment --comment PYWALL -j ACCEPT\n")
    assert machine.rules_left(True, [str(saved)])[0] is True
