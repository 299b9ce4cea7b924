from __future__ import annotations

import re

import pytest

from pywall_core.kernel.iptables import Saved, in_place, installation, removal
from pywall_core.kernel.ruleset import UNQUEUED_ICMPV6, Plan, ruleset

HOOKS = ("INPUT", "OUTPUT", "FORWARD")
PLANS = [
    Plan(HOOKS, 3),
    Plan(("INPUT",), 3, loopback=True, bypass=True, generation=255),
    Plan(("INPUT", "OUTPUT"), 3, workers=3),
    Plan(("INPUT", "OUTPUT"), 3, workers=3, deal="host"),
]
EVERY_PLAN = pytest.mark.parametrize("plan", PLANS)
FAMILIES = pytest.mark.parametrize("family", [4, 6])


def state(text: str) -> dict[str, Saved]:
    """The tables after iptables-restore --noflush read a text (own chains only)."""
    tables: dict[str, Saved] = {}
    chains: list[str] = []
    rules: list[str] = []
    for line in text.splitlines():
        if line.startswith("*"):
            name, chains, rules = line[1:], [], []
        elif line.startswith(":"):
            chains.append(line[1:].split()[0])
        elif line.startswith("-A "):
            rules.append(line)
        elif line.startswith("-I "):
            rules.insert(0, re.sub(r"^-I (\S+) 1 ", r"-A \1 ", line))
        elif line == "COMMIT":
            tables[name] = Saved(tuple(chains), tuple(rules))
    return tables


@EVERY_PLAN
@FAMILIES
def test_rules_a_decided_packet_is_never_queued_again(plan: Plan, family: int) -> None:
    """A packet that comes back marked leaves before NFQUEUE, or it would go round for ever."""
    for chain, rules in ruleset(plan, family)["mangle"].items():
        if chain.removeprefix("PYWALL_") in HOOKS:
            taken = next(n for n, rule in enumerate(rules) if rule.endswith("-g PYWALL_TAKE"))
            queued = next(n for n, rule in enumerate(rules) if "PYWALL_QUEUE" in rule or "PYWALL_ICMPV6" in rule)
            assert taken < queued
    take = ruleset(plan, family)["mangle"]["PYWALL_TAKE"]
    assert not any("NFQUEUE" in rule or "PYWALL_" in rule for rule in take)


@EVERY_PLAN
@FAMILIES
def test_rules_never_accept(plan: Plan, family: int) -> None:
    """ACCEPT would skip the rules of others that follow in the table."""
    for chains in ruleset(plan, family).values():
        assert not any(re.search(r"-[jg] ACCEPT", rule) for rules in chains.values() for rule in rules)


@EVERY_PLAN
def test_rules_exempt_neighbour_discovery_on_ipv6_only(plan: Plan) -> None:
    rules = ruleset(plan, 6)["mangle"]["PYWALL_ICMPV6"]
    assert [int(number) for rule in rules for number in re.findall(r"--icmpv6-type (\d+)", rule)] == [*UNQUEUED_ICMPV6]
    assert "PYWALL_ICMPV6" not in ruleset(plan, 4)["mangle"]


def test_rules_follow_the_plan() -> None:
    text = installation(PLANS[1], 4, {})
    assert "NFQUEUE --queue-num 3 --queue-bypass" in text
    assert "PYWALL_OUTPUT" not in text
    assert "-i lo -j RETURN" not in text
    assert "-i lo -j RETURN" in installation(PLANS[0], 4, {})
    queues = re.findall(r"NFQUEUE --queue-num (\d)", installation(PLANS[2], 4, {}))
    assert sorted(queues) == ["3", "4", "5"]
    assert "--queue-balance 3:5" in installation(PLANS[3], 4, {})


@EVERY_PLAN
@FAMILIES
def test_rules_are_in_place_after_installation(plan: Plan, family: int) -> None:
    tables = state(installation(plan, family, {}))
    assert in_place(plan, tables)
    for table in tables:
        without = {**tables, table: Saved(tables[table].chains, tables[table].rules[1:])}
        assert not in_place(plan, without)


@EVERY_PLAN
def test_rules_removal_names_every_chain_and_jump_and_nothing_else(plan: Plan) -> None:
    tables = state(installation(plan, 4, {}))
    foreign = '-A INPUT -m comment --comment "-j PYWALL_INPUT" -j ACCEPT'
    tables["mangle"] = Saved(
        (*tables["mangle"].chains, "OTHER"), (*tables["mangle"].rules, foreign, "-A OTHER -j DROP")
    )
    text = removal(tables)
    for table in tables.values():
        for chain in table.own_chains():
            assert f"-F {chain}\n" in text
            assert f"-X {chain}\n" in text
        for jump in table.jumps():
            assert f"-D{jump[2:]}\n" in text
    assert "comment" not in text
    assert "OTHER" not in text
    assert removal({"filter": Saved(("INPUT",), (foreign,))}) == ""


def test_rules_installation_replaces_what_a_killed_run_left() -> None:
    left = state(installation(PLANS[0], 4, {}))
    text = installation(PLANS[1], 4, left)
    assert "-D FORWARD -j PYWALL_FORWARD\n" in text
    assert "-X PYWALL_FORWARD\n" in text
    assert text.index("-D INPUT -j PYWALL_INPUT") < text.index("-I INPUT 1 -j PYWALL_INPUT")
