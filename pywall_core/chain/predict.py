"""What the rules would say to a packet that has not come: the next one of a flow, or the other direction's first."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ..calls.guard import attempt
from ..config import BoundRule, leaves
from ..model.flow import Flow
from ..model.matcher import Matcher
from ..model.packet import FORWARD, HOOK_NAMES, INPUT, OUTPUT, Packet
from ..model.rule_kind import RuleKind
from ..model.verdict import NO, PENDING, Action, Answer, Verdict
from .compile import Asked
from .walk import Chains

#: by which hook the packets of the other direction come
BACK: Final = {INPUT: OUTPUT, OUTPUT: INPUT, FORWARD: FORWARD}


class OtherWay:
    """Verdicts of a direction of which no packet was seen yet, where no packet could tell the rules anything new.

    A hook counts as ``foreseeable`` when its rules ask addresses, ports and facts only: none asks single packets or
    interfaces, none only looks (``log``), and none is observed.
    """

    def __init__(self, chains: Chains, *, observe: bool) -> None:
        self._engine_chains = chains
        self._chains: Chains | None = None
        self.foreseeable = frozenset(
            hook for hook, name in HOOK_NAMES.items() if not observe and _foreseeable(chains.bound, name, set())
        )

    def verdict(self, flow: Flow, to_server: bool, hook: int) -> Verdict | None:
        """Return the verdict on the next packet of that direction, None where it cannot be foreseen."""
        if hook not in self.foreseeable:
            return None
        if self._chains is None:
            self._chains = quiet_chains(self._engine_chains)
        # a rule that raises is not counted here: it will raise again at a packet
        verdict: Any = attempt(self._chains.walk, next_packet(flow, to_server, hook), flow)
        return verdict if type(verdict) is Verdict else None


def _foreseeable(bound: Mapping[str, list[BoundRule]], name: str, seen: set[str]) -> bool:
    if name in seen:
        return True
    seen.add(name)
    for rule in bound.get(name, ()):
        kinds = list(leaves(rule.condition))
        if rule.observe or any(kind.scope == "packet" or kind.needs_interfaces or not kind.decides for kind in kinds):
            return False
        jump = rule.action is not None and not isinstance(rule.action, Action)
        if jump and not _foreseeable(bound, str(rule.action), seen):
            return False
    return True


def quiet_chains(chains: Chains) -> Chains:
    """Return the same chains, with counters of their own, and PENDING from rules that only a real packet can answer."""
    return chains.variant(_quiet_leaf)


def _quiet_leaf(kind: RuleKind, asked: Asked) -> Matcher | None:
    if not kind.decides:
        return lambda packet, flow: NO
    if kind.scope != "packet" and not kind.needs_interfaces:
        return None
    concerns = kind.concerns

    def packet_leaf(packet: Packet, flow: Flow) -> Answer | Action:
        if not concerns(flow):
            return NO
        asked.packet = True
        return PENDING

    return packet_leaf


def next_packet(flow: Flow, to_server: bool, hook: int) -> Packet:
    """Return a packet of the flow without content, for rules that ask addresses, ports and facts."""
    packet = Packet()
    packet.time = flow.last
    packet.data = b""
    packet.hook, packet.to_server = hook, to_server
    packet.indev = packet.outdev = ""
    packet.version, packet.proto = flow.version, flow.proto
    if to_server:
        packet.src, packet.sport, packet.dst, packet.dport = flow.src, flow.sport, flow.dst, flow.dport
        packet.key = flow.key
    else:
        packet.src, packet.sport, packet.dst, packet.dport = flow.dst, flow.dport, flow.src, flow.sport
        packet.key = flow.rkey
    packet.length = packet.l4 = packet.start = packet.end = packet.ttl = 0
    packet.flags = packet.seq = packet.ack = packet.window = packet.pcap_cnt = 0
    packet.related = False
    packet.frag = packet.error = None
    packet.segments = ()
    packet.rewritten = None
    packet.tunnel = flow.tunnel
    return packet
