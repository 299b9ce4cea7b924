from __future__ import annotations

import re

import pytest

from pywall_core.kernel.iptables import installation
from pywall_core.kernel.marks import Marks
from pywall_core.kernel.ruleset import LISTENER_DISCOVERY, NEIGHBOUR_DISCOVERY, PREROUTING, Plan, SetDrop, ruleset

from .walk import Way, walk

HOOKS = ("INPUT", "OUTPUT", "FORWARD")
PLANS = [
    Plan(HOOKS, 3),
    Plan(("INPUT",), 3, loopback=True, bypass=True, generation=255),
    Plan(("INPUT", "OUTPUT"), 3, workers=3, marks=Marks(workers=3)),
    Plan(("INPUT", "OUTPUT"), 3, workers=3, deal="host", marks=Marks(mask=0xF0F0F0F1, workers=3)),
    Plan(HOOKS, 3, drops=(SetDrop("INPUT", "bad", "src"), SetDrop("FORWARD", "bad", "src"))),
]
EVERY_PLAN = pytest.mark.parametrize("plan", PLANS)
FAMILIES = pytest.mark.parametrize("family", [4, 6])


@EVERY_PLAN
@FAMILIES
@pytest.mark.parametrize("tracked", [True, False])
def test_rules_a_decided_packet_is_never_queued_again(plan: Plan, family: int, tracked: bool) -> None:
    """A packet that comes back marked leaves before NFQUEUE, or it would go round for ever."""
    m = plan.marks
    for mark in (m.accept, m.accept_both, m.drop, m.reject_all, m.reject):
        for direction in ("ORIGINAL", "REPLY"):
            for interface in ("eth0", "lo"):
                for hook in plan.hooks:
                    connmark = 0x5 & ~m.mask if tracked else None
                    end = walk(plan, family, Way(hook, mark | 0x2 & ~m.mask, connmark, direction, interface))
                    assert end.target in ("RETURN", "DROP")
                    assert end.target == ("DROP" if mark == m.drop else "RETURN")
                    assert end.mark & ~m.mask == 0x2 & ~m.mask, "others' bits stay"
                    if end.target == "RETURN":
                        assert end.mark & m.mask == (m.reject if mark in (m.reject, m.reject_all) else 0)


@pytest.mark.parametrize("workers", [1, 2])
def test_rules_take_only_the_codes_of_this_start_for_verdicts(workers: int) -> None:
    plan = Plan(("INPUT",), 3, workers=workers, marks=Marks.draw(0x01FFFF00, workers))
    marks = [value << 8 for value in range(1 << 17)]
    taken = [mark for mark in marks if walk(plan, 4, Way("INPUT", mark, 0)).target != "NFQUEUE"]
    assert len(taken) == 8
    taken = [mark for mark in marks if walk(plan, 4, Way("INPUT", 0, mark)).target != "NFQUEUE"]
    assert len(taken) <= 8


@EVERY_PLAN
def test_rules_leave_a_foreign_connmark_as_it_is(plan: Plan) -> None:
    m = plan.marks
    foreign = m.mask & ~m.ours.value
    for mark in (0, m.accept, m.accept_both, m.drop, m.reject):
        assert walk(plan, 4, Way(plan.hooks[0], mark, foreign)).connmark == foreign


@EVERY_PLAN
def test_rules_carry_what_was_decided(plan: Plan) -> None:
    m, hook = plan.marks, plan.hooks[0]

    def after(*decisions: tuple[int, str]) -> int:
        connmark = walk(plan, 4, Way(hook, 0, 0)).connmark
        assert connmark is not None
        for mark, direction in decisions:
            end = walk(plan, 4, Way(hook, mark, connmark, direction))
            assert end.connmark is not None
            connmark = end.connmark
        return connmark

    def passes(connmark: int) -> list[str]:
        return [walk(plan, 4, Way(hook, 0, connmark, direction)).target for direction in ("ORIGINAL", "REPLY")]

    assert passes(after()) == ["NFQUEUE", "NFQUEUE"]
    assert passes(after((m.accept, "ORIGINAL"))) == ["RETURN", "NFQUEUE"]
    assert passes(after((m.accept, "REPLY"))) == ["NFQUEUE", "RETURN"]
    assert passes(after((m.accept, "REPLY"), (m.accept, "ORIGINAL"))) == ["RETURN", "RETURN"]
    assert passes(after((m.accept_both, "REPLY"))) == ["RETURN", "RETURN"]
    assert passes(after((m.accept, "ORIGINAL"), (m.drop, "REPLY"))) == ["DROP", "DROP"]
    assert passes(after((m.reject, "REPLY"))) == ["NFQUEUE", "NFQUEUE"]
    rejected = walk(plan, 4, Way(hook, 0, after((m.reject_all, "ORIGINAL"))))
    assert (rejected.target, rejected.mark) == ("RETURN", m.reject)


@EVERY_PLAN
@FAMILIES
def test_rules_queue_what_may_open_a_connection_on_the_ports_of_a_carried_one(plan: Plan, family: int) -> None:
    m = plan.marks
    others = 0x2 & ~m.mask
    for hook in plan.hooks:
        for way in ("ORIGINAL", "REPLY"):
            for index in range(plan.workers):
                begun = m.begin(index).value if plan.workers > 1 else 0
                for mark in (m.accept, m.accept_both):
                    kept = walk(plan, family, Way(hook, mark, begun | others, way)).connmark
                    for flags, assured, asked in (
                        ("SYN", False, True),
                        ("SYN", True, True),
                        ("SYN,PSH", True, True),
                        ("SYN,ACK", True, True),
                        ("SYN,ACK", False, False),  # of the handshake of a connection that was accepted at its SYN
                        ("ACK", True, False),
                        ("ACK,FIN", True, False),
                        ("RST", True, False),
                    ):
                        end = walk(plan, family, Way(hook, 0, kept, way, flags=flags, assured=assured))
                        assert end.target == ("NFQUEUE" if asked else "RETURN"), flags
                        if asked:
                            assert end.connmark is not None
                            assert end.connmark & ~m.mask == others
                            after = [
                                walk(plan, family, Way(hook, 0, end.connmark, direction, flags="ACK", assured=True))
                                for direction in ("ORIGINAL", "REPLY")
                            ]
                            assert {packet.target for packet in after} == {"NFQUEUE"}
                            if plan.workers > 1 and plan.deal == "connection":
                                assert {packet.queue for packet in (end, *after)} == {f"--queue-num {3 + index}"}
                dropped = walk(plan, family, Way(hook, m.drop, begun, way)).connmark
                end = walk(plan, family, Way(hook, 0, dropped, way, flags="SYN", assured=True))
                assert (end.target, end.connmark) == ("DROP", dropped)


def test_rules_keep_a_connection_with_its_worker() -> None:
    plan = PLANS[2]
    m = plan.marks
    for index in range(3):
        begun = m.begin(index).value
        for mark in (m.accept, m.reject):
            after = walk(plan, 4, Way("INPUT", mark, begun)).connmark
            assert walk(plan, 4, Way("INPUT", 0, after, "REPLY")).queue == f"--queue-num {3 + index}"
    assert walk(plan, 4, Way("INPUT", 0, None)).queue == "--queue-balance 3:5"


@EVERY_PLAN
@FAMILIES
def test_rules_never_accept(plan: Plan, family: int) -> None:
    """ACCEPT would skip the rules of others that follow in the table."""
    for chains in ruleset(plan, family).values():
        assert not any(re.search(r"-[jg] ACCEPT", rule) for rules in chains.values() for rule in rules)


@EVERY_PLAN
def test_rules_exempt_neighbour_discovery_on_ipv6_only(plan: Plan) -> None:
    rules = ruleset(plan, 6)["mangle"]["PYWALL_ICMPV6"]
    exempt = {int(number) for rule in rules for number in re.findall(r"--icmpv6-type (\d+)", rule)}
    assert exempt == {*NEIGHBOUR_DISCOVERY, *LISTENER_DISCOVERY}
    assert all(re.search(r"--hl-eq (255|1) -j RETURN", rule) for rule in rules[:-1]), "no router passes these on"
    assert all("-s fe80::/10" in rule or "-s ::/128" in rule for rule in rules if "--hl-eq 1 " in rule)
    assert not any("PYWALL_ICMPV6" in rule for rule in ruleset(plan, 6)["mangle"].get("PYWALL_FORWARD", []))
    assert "PYWALL_ICMPV6" not in ruleset(plan, 4)["mangle"]


def test_rules_follow_the_plan() -> None:
    text = installation(PLANS[1], 4, {})
    assert "NFQUEUE --queue-num 3 --queue-bypass" in text
    assert "PYWALL_OUTPUT" not in text
    assert "PYWALL_INPUT -i lo -j RETURN" not in text
    assert "PYWALL_INPUT -i lo -j RETURN" in installation(PLANS[0], 4, {})
    queues = re.findall(r"NFQUEUE --queue-num (\d)", installation(PLANS[2], 4, {}))
    assert sorted(queues) == ["3", "4", "5"]
    assert "--queue-balance 3:5" in installation(PLANS[3], 4, {})


IN, FORTH = SetDrop("INPUT", "bad", "src"), SetDrop("FORWARD", "bad", "src")
BOTH = frozenset({4, 6})


@pytest.mark.parametrize(
    ("plan", "early"),
    [
        (Plan(HOOKS, 3, drops=(IN, FORTH)), ["bad"]),
        (Plan(HOOKS, 3, drops=(IN,)), []),
        (Plan(HOOKS, 3, drops=(IN,), host_only=BOTH), ["bad"]),
        (Plan(("INPUT",), 3, drops=(IN,)), []),
        (Plan(("INPUT",), 3, drops=(IN,), host_only=BOTH), ["bad"]),
        (Plan(("FORWARD",), 3, drops=(FORTH,), host_only=BOTH), []),
        (Plan(HOOKS, 3, drops=(IN, FORTH), early=False), []),
        (Plan(HOOKS, 3, drops=(SetDrop("INPUT", "bad", "dst"), SetDrop("FORWARD", "bad", "dst")), host_only=BOTH), []),
        (Plan(HOOKS, 3, drops=(SetDrop("OUTPUT", "bad", "src"),), host_only=BOTH), []),
        (Plan(HOOKS, 3, drops=(IN, SetDrop("INPUT", "worse", "src"), FORTH)), ["bad"]),
    ],
    ids=repr,
)
@FAMILIES
def test_rules_drop_before_conntrack_what_every_way_in_drops(plan: Plan, early: list[str], family: int) -> None:
    """What is dropped there is not asked for again; every other drop is where its hook is, and only there."""
    tables = ruleset(plan, family)
    assert [rule.split()[3] for rule in tables["raw"].get(PREROUTING, [])] == [
        f"PYWALL_{name}_{family}" for name in early
    ]
    for hook in plan.hooks:
        behind = [
            (rule.split()[3][len("PYWALL_") : -2], rule.split()[4])
            for rule in tables["mangle"][f"PYWALL_{hook}"]
            if "--match-set" in rule
        ]
        assert behind == [
            (drop.set, drop.direction)
            for drop in plan.drops
            if drop.hook == hook and not (drop.direction == "src" and drop.set in early and hook != "OUTPUT")
        ]
    assert ("*raw" in installation(plan, family, {})) == bool(early), "a table is made where it is needed"


def test_rules_of_one_family_may_be_early_alone() -> None:
    plan = Plan(("INPUT",), 3, drops=(IN,), host_only=frozenset({6}))
    assert [bool(plan.early_drops(family)) for family in (4, 6)] == [False, True]
    assert [table for table, _, _ in plan.jumps(4)] == ["mangle", "filter"]
    assert [table for table, _, _ in plan.jumps(6)] == ["raw", "mangle", "filter"]
