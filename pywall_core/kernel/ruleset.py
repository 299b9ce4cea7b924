"""The rules as text for iptables-restore. Pure functions; DESIGN in ``docs/explanation/kernel.md``.

A packet's way through ``mangle``: one that a worker decided comes back marked (NF_REPEAT) and is taken by PYWALL_TAKE,
which writes the decision to the connection (PYWALL_KEEP); one of a decided connection is let go or dropped; every other
one is queued. Accepted packets RETURN, so that the rules of others still apply. REJECT works in ``filter`` only. Bits
of others in our places are left alone: workers decide on such packets and connections, one by one. Sources that every
way into this machine drops are dropped in ``raw`` already, before conntrack and the route.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Final

from .ipset import kernel_name
from .marks import Marks, Pair

PREFIX: Final = "PYWALL_"
PREROUTING: Final = "PYWALL_PREROUTING"
TAKE: Final = "PYWALL_TAKE"
QUEUE: Final = "PYWALL_QUEUE"
ICMPV6: Final = "PYWALL_ICMPV6"
DROPPED: Final = "PYWALL_DROPPED"
KEEP: Final = "PYWALL_KEEP"
CLEAR: Final = "PYWALL_CLEAR"
OPEN: Final = "PYWALL_OPEN"
REJECT: Final = "PYWALL_REJECT"
#: Never queued at INPUT and OUTPUT: router and neighbour discovery with hop limit 255, which no router has passed on
#: (RFC 4861 section 11.2), and multicast listener messages with hop limit 1 (RFC 2710, 3590, 3810). RFC 4890 section
#: 4.4 has them as traffic that must not be dropped; with other hop limits, and at FORWARD, workers decide on them.
NEIGHBOUR_DISCOVERY: Final = (133, 134, 135, 136)
LISTENER_DISCOVERY: Final = (130, 131, 132, 143)
#: packets of a connection, in both directions, among which bare acknowledgements are not queued: beyond them they are,
#: so that an ACCEPT which waits for what the server acknowledges becomes final also where the server never answers
UNQUEUED_PACKETS: Final = 12


@dataclass(frozen=True, slots=True)
class SetDrop:
    """Packets at ``hook`` whose address in ``direction`` (``src`` or ``dst``) is in the named set are dropped."""

    hook: str
    set: str
    direction: str


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
    drops: tuple[SetDrop, ...] = ()
    #: segments without content are not queued in the first packets of a connection
    skip_bare_acks: bool = False
    #: families (4, 6) of which every packet that comes in is for this machine: it forwards none of others
    host_only: frozenset[int] = frozenset()
    #: sources that every way in drops are dropped in ``raw``
    early: bool = True

    def queues(self) -> range:
        """The queue numbers of all workers."""
        return range(self.queue, self.queue + self.workers)

    def without(self, *shortcuts: str) -> Plan:
        """Return the plan without ``early`` or ``skip_bare_acks``, which some kernels lack the means for."""
        bare_acks = self.skip_bare_acks and "skip_bare_acks" not in shortcuts
        return replace(self, early=self.early and "early" not in shortcuts, skip_bare_acks=bare_acks)

    def jumps(self, family: int) -> tuple[tuple[str, str, str], ...]:
        """Table, built-in chain and rule of each jump that is at position 1."""
        rejected = f"-m mark --mark {Pair(self.marks.reject, self.marks.mask)} -j {REJECT}"
        raw = (("raw", "PREROUTING", f"-j {PREROUTING}"),) if self.early_drops(family) else ()
        return (
            *raw,
            *(("mangle", hook, f"-j {PREFIX}{hook}") for hook in self.hooks),
            *(("filter", hook, rejected) for hook in self.hooks),
        )

    def early_drops(self, family: int) -> tuple[SetDrop, ...]:
        """Return the drops at INPUT and FORWARD that are carried out in ``raw``: before conntrack and the route, which
        a flood of new sources pays for otherwise. They are those by source, which nothing on the way rewrites. Where
        packets of others are forwarded, FORWARD has to drop them too: the route alone says which hook a packet meets.
        """
        if not self.early:
            return ()
        forwarded = {drop.set for drop in self.drops if drop.hook == "FORWARD" and drop.direction == "src"}
        return tuple(
            drop
            for drop in self.drops
            if drop.hook == "INPUT" and drop.direction == "src" and (family in self.host_only or drop.set in forwarded)
        )


def ruleset(plan: Plan, family: int) -> dict[str, dict[str, list[str]]]:
    """Own chains by table, each with its rules (without ``-A CHAIN``). ``family`` is 4 or 6."""
    early = plan.early_drops(family)
    raw = {PREROUTING: [_set_drop(drop, family) for drop in early]} if early else {}
    mangle: dict[str, list[str]] = {}
    for hook in plan.hooks:
        mangle[PREFIX + hook] = _entry(plan, family, hook)
    mangle[TAKE] = _take(plan.marks)
    mangle[KEEP] = _keep(plan)
    mangle[CLEAR] = [f"-j MARK --set-xmark {plan.marks.foreign}"]
    mangle[OPEN] = _open(plan.marks)
    mangle[DROPPED] = _dropped(plan.marks)
    if family == 6:
        mangle[ICMPV6] = _icmpv6()
    mangle[QUEUE] = _queue(plan, family)
    return {"raw": raw, "mangle": mangle, "filter": {REJECT: _reject(family)}}


def _set_drop(drop: SetDrop, family: int) -> str:
    return f"-m set --match-set {kernel_name(drop.set, family)} {drop.direction} -j DROP"


def _entry(plan: Plan, family: int, hook: str) -> list[str]:
    m = plan.marks
    done = {drop.set for drop in plan.early_drops(family)} if hook != "OUTPUT" else set()
    # in the order of how many packets each rule takes: those of carried connections are by far the most
    rules = [
        *(
            _set_drop(drop, family)
            for drop in plan.drops
            if drop.hook == hook and not (drop.direction == "src" and drop.set in done)
        ),
        f"-m mark --mark {m.packet_ours} -g {TAKE}",
        f"-p tcp --tcp-flags SYN SYN -j {OPEN}",
        f"-m connmark --mark {m.accept_all} -j RETURN",
        f"-m connmark --mark {m.accept_original} -m conntrack --ctdir ORIGINAL -j RETURN",
        f"-m connmark --mark {m.accept_reply} -m conntrack --ctdir REPLY -j RETURN",
    ]
    if not plan.loopback:
        rules.append("-o lo -j RETURN" if hook == "OUTPUT" else "-i lo -j RETURN")
    if hook == "OUTPUT":
        rejected = f"-m connmark --mark {m.errors_pass} -j RETURN"
        rules.append(f"-p tcp --tcp-flags RST RST {rejected}")
        error = "icmpv6 --icmpv6-type port-unreachable" if family == 6 else "icmp --icmp-type port-unreachable"
        rules.append(f"-p {error} {rejected}")
    rules.append(f"-m connmark --mark {m.all_dropped} -g {DROPPED}")
    if family == 6 and hook != "FORWARD":
        rules.append(f"-p icmpv6 -g {ICMPV6}")
    return [*rules, f"-g {QUEUE}"]


def _take(m: Marks) -> list[str]:
    """A packet that comes back: its verdict is kept on the connection, unless somebody else's bits are there."""

    def is_(mark: int) -> str:
        return f"-m mark --mark {Pair(mark, m.mask)}"

    return [
        f"-m connmark --mark {m.ours} -j {KEEP}",
        f"-m connmark --mark {m.foreign} -j {KEEP}",
        f"{is_(m.drop)} -j DROP",
        f"{is_(m.reject_all)} -j MARK --set-xmark {Pair(m.reject, m.mask)}",
        f"{is_(m.reject)} -j RETURN",
        f"{is_(m.accept)} -g {CLEAR}",
        f"{is_(m.accept_both)} -g {CLEAR}",
        "-j DROP",
    ]


def _keep(plan: Plan) -> list[str]:
    m = plan.marks

    def on(mark: int, kept: Pair, also: str = "") -> str:
        return f"-m mark --mark {Pair(mark, m.mask)}{also} -j CONNMARK --set-xmark {kept}"

    rules = [on(m.drop, m.drop_all), on(m.reject_all, m.rejected), on(m.reject, m.reject_once)]
    if plan.loopback:
        # on lo a packet passes OUTPUT and INPUT in one conntrack direction: one hook's ACCEPT is not the other's
        rules += [f"{way} lo -j RETURN" for way in ("-i", "-o")]
    rules.append(on(m.accept_both, m.accept_all))
    for direction, own, other in (
        ("ORIGINAL", m.accept_original, m.accept_reply),
        ("REPLY", m.accept_reply, m.accept_original),
    ):
        this = f" -m conntrack --ctdir {direction}"
        rules.append(on(m.accept, m.accept_all, f"{this} -m connmark --mark {other}"))
        rules.append(on(m.accept, own, f"{this} -m connmark ! --mark {m.accept_all}"))
    return rules


def _open(m: Marks) -> list[str]:
    """A SYN, and the SYN/ACK of a connection that had been established, may open another one on the same ports, which
    conntrack takes for the one before (it ignores a SYN within a connection): workers decide.
    """
    again = f"-m connmark --mark {m.not_dropped} -j CONNMARK --set-xmark {m.undecided}"
    return [
        f"-p tcp --tcp-flags SYN,ACK SYN {again}",
        f"-p tcp --tcp-flags SYN,ACK SYN,ACK -m conntrack --ctstatus ASSURED {again}",
    ]


def _dropped(m: Marks) -> list[str]:
    return [
        f"-m connmark --mark {m.drop_all} -j DROP",
        f"-j MARK --set-xmark {Pair(m.reject, m.mask)}",
    ]


def _icmpv6() -> list[str]:
    """What RFC 4890 section 4.4 means: neighbour discovery (RFC 4861) and listener messages (RFC 2710, 3590)."""
    rules = [f"-p icmpv6 --icmpv6-type {kind} -m hl --hl-eq 255 -j RETURN" for kind in NEIGHBOUR_DISCOVERY]
    for kind in LISTENER_DISCOVERY:
        of = f"-p icmpv6 --icmpv6-type {kind} -m hl --hl-eq 1"
        rules += [f"-s fe80::/10 {of} -j RETURN", f"-s ::/128 {of} -j RETURN"]
    return [*rules, f"-g {QUEUE}"]


def _bare_acks(family: int) -> list[str]:
    """Segments that only acknowledge pass in the first packets of an established connection.

    A header without options but time stamps or SACK, as long as the whole packet: for IPv4 0x45 and the total length,
    for IPv6 the payload length and next header 6; then the data offset, and of the flags ACK alone.
    """
    rules = []
    for words in (5, 8):  # of the TCP header: 20 bytes, and 12 of options
        size = words * 4
        if family == 4:
            ip, tcp = f"0&0xFF00FFFF={0x45000000 | 20 + size:#x}", 20
        else:
            ip, tcp = f"4&0xFFFFFF00={size << 16 | 6 << 8:#x}", 40
        header = f"{ip}&&{tcp + 12}&0xF03F0000={words << 28 | 0x100000:#x}"
        rules.append(
            f'-p tcp -m u32 --u32 "{header}" -m conntrack --ctstate ESTABLISHED -m connbytes '
            f"--connbytes 0:{UNQUEUED_PACKETS} --connbytes-mode packets --connbytes-dir both -j RETURN"
        )
    return rules


def _queue(plan: Plan, family: int) -> list[str]:
    bare_acks = _bare_acks(family) if plan.skip_bare_acks else []
    return [*bare_acks, *_deal(plan)]


def _deal(plan: Plan) -> list[str]:
    m = plan.marks
    bypass = " --queue-bypass" if plan.bypass else ""
    if plan.workers == 1:
        return [f"-j NFQUEUE --queue-num {plan.queue}{bypass}"]
    balance = f"-j NFQUEUE --queue-balance {plan.queue}:{plan.queue + plan.workers - 1}{bypass}"
    if plan.deal == "host":
        return [balance]
    rules = []
    for index in range(plan.workers):
        left = plan.workers - index
        turn = f"-m statistic --mode nth --every {left} --packet 0 " if left > 1 else ""
        rules.append(f"-m connmark --mark {m.foreign} {turn}-j CONNMARK --set-xmark {m.begin(index)}")
    for index in range(plan.workers):
        rules.append(f"-m connmark --mark {m.worker(index)} -j NFQUEUE --queue-num {plan.queue + index}{bypass}")
    return [*rules, balance]  # without conntrack, or with somebody else's bits in the connmark


def _reject(family: int) -> list[str]:
    error = "icmp6-port-unreachable" if family == 6 else "icmp-port-unreachable"
    return ["-p tcp -j REJECT --reject-with tcp-reset", f"-j REJECT --reject-with {error}"]
