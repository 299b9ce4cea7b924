"""The rules as text for iptables-restore. Pure functions; DESIGN in ``docs/explanation/kernel.md``.

A packet's way through ``mangle``: one that a worker decided comes back marked (NF_REPEAT) and is taken by PYWALL_TAKE,
which writes the decision to the connection; one of a decided connection is let go or dropped; every other one is
queued. Accepted packets RETURN, so that the rules of others still apply. REJECT works in ``filter`` only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from .marks import Marks

PREFIX: Final = "PYWALL_"
TAKE: Final = "PYWALL_TAKE"
QUEUE: Final = "PYWALL_QUEUE"
ICMPV6: Final = "PYWALL_ICMPV6"
DROPPED: Final = "PYWALL_DROPPED"
REJECT: Final = "PYWALL_REJECT"
#: Never queued: neighbour and router discovery, redirect, multicast listener messages (RFC 4861, 2710, 3810; RFC 4890
#: section 4.4 has them as traffic that must not be dropped).
UNQUEUED_ICMPV6: Final = (130, 131, 132, 133, 134, 135, 136, 143)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the rules are to do. ``queue`` is the first worker's queue number, ``generation`` 1 to 255."""

    hooks: tuple[str, ...]
    queue: int
    workers: int = 1
    loopback: bool = False
    bypass: bool = False
    deal: str = "connection"
    generation: int = 1
    marks: Marks = field(default_factory=Marks)

    def queues(self) -> range:
        """The queue numbers of all workers."""
        return range(self.queue, self.queue + self.workers)

    def jumps(self) -> tuple[tuple[str, str, str], ...]:
        """Table, built-in chain and rule of each jump that stands at position 1."""
        rejected = f"-m mark --mark {self.marks.reject:#x}/{self.marks.reject:#x} -j {REJECT}"
        return tuple(("mangle", hook, f"-j {PREFIX}{hook}") for hook in self.hooks) + tuple(
            ("filter", hook, rejected) for hook in self.hooks
        )


def ruleset(plan: Plan, family: int) -> dict[str, dict[str, list[str]]]:
    """Own chains by table, each with its rules (without ``-A CHAIN``). ``family`` is 4 or 6."""
    mangle: dict[str, list[str]] = {}
    for hook in plan.hooks:
        mangle[PREFIX + hook] = _entry(plan, family, hook)
    mangle[TAKE] = _take(plan)
    mangle[DROPPED] = _dropped(plan.marks)
    if family == 6:
        mangle[ICMPV6] = [f"-p icmpv6 --icmpv6-type {kind} -j RETURN" for kind in UNQUEUED_ICMPV6] + [f"-g {QUEUE}"]
    mangle[QUEUE] = _queue(plan)
    return {"mangle": mangle, "filter": {REJECT: _reject(family)}}


def _entry(plan: Plan, family: int, hook: str) -> list[str]:
    m = plan.marks
    generation = m.generation(plan.generation)
    both, accepted_both = m.original | m.reply, m.accept_original | m.accept_reply
    # in the order of how many packets each rule takes: those of carried connections are by far the most
    rules = [
        f"-m mark ! --mark 0x0/{m.verdict_mask:#x} -g {TAKE}",
        f"-m connmark --mark {generation | accepted_both:#x}/{m.generation_mask | both:#x} -j RETURN",
    ]
    for direction, value, mask in (("ORIGINAL", m.accept_original, m.original), ("REPLY", m.accept_reply, m.reply)):
        accepted = f"-m connmark --mark {generation | value:#x}/{m.generation_mask | mask:#x}"
        rules.append(f"{accepted} -m conntrack --ctdir {direction} -j RETURN")
    if not plan.loopback:
        rules.append("-o lo -j RETURN" if hook == "OUTPUT" else "-i lo -j RETURN")
    if hook == "OUTPUT":
        rejected = f"-m connmark --mark {generation | m.reject:#x}/{m.generation_mask | m.reject:#x} -j RETURN"
        rules.append(f"-p tcp --tcp-flags RST RST {rejected}")
        error = "icmpv6 --icmpv6-type port-unreachable" if family == 6 else "icmp --icmp-type port-unreachable"
        rules.append(f"-p {error} {rejected}")
    rules.append(f"-m connmark --mark {generation | m.drop_both:#x}/{m.generation_mask | both:#x} -g {DROPPED}")
    if family == 6:
        rules.append(f"-p icmpv6 -g {ICMPV6}")
    return [*rules, f"-g {QUEUE}"]


def _take(plan: Plan) -> list[str]:
    m = plan.marks
    directions = m.original | m.reply
    clear = f"-j MARK --set-xmark 0x0/{m.mask:#x}"
    accepted = f"-m mark --mark {m.accept:#x}/{m.verdict_mask:#x}"
    rejected = f"-m mark --mark {m.reject_all:#x}/{m.verdict_mask:#x}"
    rules = [
        f"-m mark --mark {m.drop:#x}/{m.verdict_mask:#x} -j CONNMARK --set-xmark {m.drop_both:#x}/{directions:#x}",
        f"-m mark --mark {m.drop:#x}/{m.verdict_mask:#x} -j DROP",
        f"{rejected} -j CONNMARK --set-xmark {m.drop_both | m.reject:#x}/{directions | m.reject:#x}",
        f"{rejected} -j MARK --set-xmark {m.reject:#x}/{m.mask:#x}",
        f"-m mark --mark {m.reject:#x}/{m.verdict_mask:#x} -j CONNMARK --set-xmark {m.reject:#x}/{m.reject:#x}",
        f"-m mark --mark {m.reject:#x}/{m.verdict_mask:#x} -j RETURN",
    ]
    if plan.loopback:
        # on lo a packet passes OUTPUT and INPUT in one conntrack direction: one hook's ACCEPT is not the other's
        rules += [f"{way} lo {clear}" for way in ("-i", "-o")]
    both = m.accept_both
    rules += [
        f"-m mark --mark {both:#x}/{m.verdict_mask | m.reply:#x} "
        f"-j CONNMARK --set-xmark {m.accept_original | m.accept_reply:#x}/{directions:#x}",
        f"{accepted} -m conntrack --ctdir ORIGINAL -j CONNMARK --set-xmark {m.accept_original:#x}/{m.original:#x}",
        f"{accepted} -m conntrack --ctdir REPLY -j CONNMARK --set-xmark {m.accept_reply:#x}/{m.reply:#x}",
        clear,
    ]
    return rules


def _dropped(m: Marks) -> list[str]:
    return [
        f"-m connmark --mark 0x0/{m.reject:#x} -j DROP",
        f"-j MARK --set-xmark {m.reject:#x}/{m.mask:#x}",
    ]


def _queue(plan: Plan) -> list[str]:
    m = plan.marks
    generation = m.generation(plan.generation)
    bypass = " --queue-bypass" if plan.bypass else ""
    stale = f"-m connmark ! --mark {generation:#x}/{m.generation_mask:#x}"
    rules = [f"{stale} -j CONNMARK --set-xmark {generation:#x}/{m.mask:#x}"]
    if plan.workers == 1:
        return [*rules, f"-j NFQUEUE --queue-num {plan.queue}{bypass}"]
    if plan.deal == "host":
        return [*rules, f"-j NFQUEUE --queue-balance {plan.queue}:{plan.queue + plan.workers - 1}{bypass}"]
    undealt = f"-m connmark --mark 0x0/{m.worker_mask:#x}"
    for index in range(plan.workers):
        left = plan.workers - index
        turn = f"-m statistic --mode nth --every {left} --packet 0 " if left > 1 else ""
        rules.append(f"{undealt} {turn}-j CONNMARK --set-xmark {m.worker(index):#x}/{m.worker_mask:#x}")
    for index in range(1, plan.workers):
        dealt = f"-m connmark --mark {m.worker(index):#x}/{m.worker_mask:#x}"
        rules.append(f"{dealt} -j NFQUEUE --queue-num {plan.queue + index}{bypass}")
    return [*rules, f"-j NFQUEUE --queue-num {plan.queue}{bypass}"]


def _reject(family: int) -> list[str]:
    error = "icmp6-port-unreachable" if family == 6 else "icmp-port-unreachable"
    return ["-p tcp -j REJECT --reject-with tcp-reset", f"-j REJECT --reject-with {error}"]
