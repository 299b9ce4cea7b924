"""The way of one packet: docs/explanation/design.md describes the eight steps.

Longer than 300 lines: one packet's way is read in one piece.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, final

from ..calls.guard import Guard
from ..chain.walk import Chains
from ..detection.detection import Detection
from ..events.emitter import Reporter
from ..flows.expectations import LIFETIME, Expectations
from ..flows.table import OPENING_SECONDS, FlowTable, touch_datagram_flow
from ..model.detection_state import DetectionState
from ..model.flow import Flow
from ..model.packet import ACK, FIN, OUTPUT, RST, SYN, TCP, Packet
from ..model.verdict import ACCEPT, REJECT, Cause, Drop, Verdict
from ..packet.flow_key import stray_error
from ..packet.fragments import Fragments
from ..packet.reset import reset_for_receiver
from ..packet.tunnels import inner_packet, may_carry, rewrite_inside
from .counters import VerdictCounter
from .failure_policy import FailurePolicy, denied_inside
from .hooks import PacketHooks
from .offload import Offload

#: seconds that a flow with a final verdict stays after its FIN or RST went by
CLOSING_SECONDS: Final = 10.0


_FRAGMENTED: Final = Drop("fragment.rewritten")
_TUNNELLED: Final = Drop("tunnel.rewritten")


@final
class Pipeline:
    """Gives each packet one verdict. An engine that times its packets has two over the same state: one plain, one whose
    ``hooks`` and ``detection`` are under a clock.

    ``on_new_flow(flow, packet)`` sets up a flow. ``live``: packets may have been cut by the queue.
    ``tunnels``: what a packet carries is a packet too.
    """

    def __init__(
        self,
        *,
        live: bool,
        observe: bool,
        tunnels: bool,
        flows: FlowTable,
        fragments: Fragments,
        expectations: Expectations,
        detection: Detection,
        chains: Chains,
        hooks: PacketHooks,
        guard: Guard,
        offload: Offload,
        policy: FailurePolicy,
        events: Reporter,
        counters: Counter[str],
        verdicts: VerdictCounter,
        on_new_flow: Callable[[Flow, Packet], None],
    ) -> None:
        self._live = live
        self._observe = observe
        self._tunnels = tunnels
        self._flows = flows
        self._find = flows.find
        self._fragments = fragments
        self._expectations = expectations
        self._detection = detection
        self._feed = detection.feed
        self._feed_carrier = detection.feed_carrier
        self._transactions = detection.transactions
        self._asked_protocols = chains.fact_prefixes()
        self._chains = chains
        self._unruled = chains.unruled
        self._hooks = hooks
        self._guard = guard
        self._release = offload.release
        self._policy = policy
        self._events = events
        self._counters = counters
        self._count = verdicts.add
        self._on_new_flow = on_new_flow
        #: keys of the connections that were open when the firewall started; None: not known, any may be
        self.older_connections: frozenset[bytes] | None = None

    def process(self, packet: Packet) -> Verdict:
        """Return the verdict on one packet and count it. Never raises (but KeyboardInterrupt)."""
        verdict = self._process(packet)
        self._count(verdict)
        return verdict

    def _process(self, packet: Packet) -> Verdict:
        # 2. decoded by the source: what is left are fragments and errors
        if packet.error is not None or packet.frag is not None:
            whole = self._reassemble(packet)
            if type(whole) is Verdict:
                return whole
            if whole is not packet:
                return self._process_datagram(packet, whole)  # type: ignore[arg-type]
        # 3. the flow, and the verdict that holds for it
        flow = self._find_flow(packet)
        if flow is None:
            self._counters["flows.table_full"] += 1
            return self._policy.table_full
        inner = self._open(packet, flow) if self._tunnels else None
        to_server = packet.to_server = packet.key == flow.key
        slot = packet.hook << 1 | to_server
        cache = flow.cache
        verdict = cache.verdicts[slot]
        if packet.hook == OUTPUT and packet.outdev == "lo":
            verdict = self._process_loopback_output(packet, flow, slot, verdict)
            return verdict if inner is None else self._process_inside(packet, inner, verdict)
        flow.last = packet.time
        if to_server:
            flow.pkts_toserver += 1
            flow.bytes_toserver += packet.length
        else:
            flow.pkts_toclient += 1
            flow.bytes_toclient += packet.length
            if flow.share == "new" and flow.proto != TCP:
                touch_datagram_flow(flow)
        if (
            verdict is not None
            and verdict.final
            and (verdict.action is not ACCEPT or cache.released or self._release(flow, slot))
        ):
            if flow.proto == TCP and packet.flags & (FIN | RST):
                _close(flow)
            if verdict is not self._unruled:
                cache.last = verdict
        elif cache.released:
            self._guard.begin_packet()
            verdict = self._decide(packet, flow, slot)
            if verdict is not self._unruled:
                cache.last = verdict
        else:
            verdict = self._process_undecided(packet, flow, slot, inner is not None)
        return verdict if inner is None else self._process_inside(packet, inner, verdict)

    def decide_again(self, packet: Packet, flow: Flow) -> Verdict:
        """Return the verdict of the rules on a packet that passed undecided, by the facts that are known now."""
        self._guard.begin_packet()
        verdict = self._decide(packet, flow, packet.hook << 1 | packet.to_server)
        if verdict is not self._unruled:
            flow.cache.last = verdict
        return verdict

    def _process_undecided(self, packet: Packet, flow: Flow, slot: int, carries: bool) -> Verdict:
        cache = flow.cache
        before: DetectionState | None = None
        self._guard.begin_packet()
        if self._expectations.staged:
            self._expectations.discard()
        # 4. packet hooks
        if packet.proto != TCP and packet.end > packet.start and not packet.related:
            packet.segments = ((0, packet.data[packet.start : packet.end], 0),)
        veto = self._hooks.packet(packet, flow)
        if veto is not None:
            verdict = self._veto(veto, packet, flow)
        elif flow.tcp.midstream and self._policy.pass_midstream and cache.last is None and self._passes_as_older(flow):
            verdict = self._policy.midstream
            flow.stop_looking(verdict)
        else:
            # 5. detection
            if packet.related:
                packet.segments = ()
            elif packet.segments:
                before = flow.detection.snapshot()
                if self._detect(packet, flow, carries):
                    cache.facts_changed()
            # 6. the chain
            verdict = self._decide_found(packet, flow, slot)
        if verdict.action is REJECT and packet.proto == TCP and flow.share == "established":
            self._tell_receiver(packet, flow)
        # 7. decided hooks
        self._hooks.decided(packet, flow, verdict)
        # 8. segment hooks for what was accepted; what a dropped packet taught is taken back
        if verdict.action is ACCEPT:
            if packet.segments:
                self._hooks.segment(packet, flow)
        elif before is not None and not verdict.final:
            flow.detection = before
            cache.facts_changed()
        if self._expectations.staged or self._expectations.groups:
            self._expectations.commit(packet, flow, verdict, packet.time)
        if verdict is not self._unruled or cache.last is None:
            cache.last = verdict
        return verdict

    # --- 2. fragments and errors ----------------------------------------------------------------------------------

    def _reassemble(self, packet: Packet) -> Verdict | Packet:
        """Return the packet to go on with, or the verdict on a fragment or a packet that did not decode."""
        error = packet.error
        if packet.frag is not None and error is None:
            whole = self._fragments.add(packet)
            if whole is None:
                return self._policy.fragment
            if isinstance(whole, Drop):
                return self._veto(whole, packet, None)
            return self._reassemble(whole) if whole.error is not None else whole
        self._counters[f"decoder.{error}"] += 1
        if error == "truncated":
            return packet
        self._events.anomaly(packet, None, "decode", error or "")
        return self._policy.undecodable

    def _process_datagram(self, last: Packet, whole: Packet) -> Verdict:
        """Return the verdict on a datagram that is whole again: it is that of the fragment which completed it."""
        verdict = self._process(whole)
        if whole.rewritten is not None and verdict.action is ACCEPT:
            # its fragments cannot be written over: those before the last have gone
            verdict = self._veto(_FRAGMENTED, whole, None)
        if verdict.action is ACCEPT:
            self._fragments.passed(last)
        return verdict

    # --- 3. the flow ----------------------------------------------------------------------------------------------

    def _find_flow(self, packet: Packet) -> Flow | None:
        """Return the packet's flow, a new one where there is none, or None when the table is full."""
        flow = self._find(packet.key)
        if flow is None:
            if packet.related:
                stray_error(packet)
                flow = self._find(packet.key)
            return flow or self._begin_flow(packet)
        if packet.proto == TCP and packet.flags & SYN and not packet.related:
            return self._find_opening(packet, flow)
        return flow

    def _find_opening(self, packet: Packet, flow: Flow) -> Flow | None:
        """Return the flow of a SYN or SYN/ACK on the ports of a known one.

        Nobody looks at a released flow: that it has ended is not known, and who sends a SYN may be anybody. So the SYN
        is decided as that of a connection of its own, which takes the flow's place when the other side answers it.
        """
        openings = flow.openings
        if packet.flags & ACK:
            opening = None if openings is None else openings.get(flow.rkey if packet.key == flow.key else flow.key)
            if opening is None:
                return flow
            self._flows.replace(flow, opening)
            return opening
        released = flow.cache.released
        if flow.closed and not (self._live and released):
            self._flows.end(flow, "closed")
            return self._begin_flow(packet)
        if not released or _is_repeated(packet, flow):
            return flow
        opening = None if openings is None else openings.get(packet.key)
        if opening is None:
            opening = self._flows.propose(flow, packet)
            self._on_new_flow(opening, packet)
        return opening

    def _begin_flow(self, packet: Packet) -> Flow | None:
        flow = self._flows.create(packet)
        if flow is not None:
            self._on_new_flow(flow, packet)
        return flow

    def _process_loopback_output(self, packet: Packet, flow: Flow, slot: int, verdict: Verdict | None) -> Verdict:
        """On ``lo`` a packet passes OUTPUT and INPUT with one key: at OUTPUT only the chain is walked."""
        if verdict is None or not verdict.final:
            self._guard.begin_packet()
            verdict = self._decide(packet, flow, slot)
        return verdict

    # --- what a packet carries ------------------------------------------------------------------------------------

    def _open(self, packet: Packet, flow: Flow) -> Packet | None:
        """Return the packet inside. A flow that is a tunnel's stays with us: the kernel would look into none of it."""
        inner = inner_packet(packet)
        if inner is not None or may_carry(packet):
            flow.watched = True
        return inner

    def _process_inside(self, packet: Packet, inner: Packet, verdict: Verdict) -> Verdict:
        """Return the verdict on a packet that carries another one: both must be accepted. A denial inside is one of
        this packet alone, not of all that the tunnel carries."""
        if verdict.action is not ACCEPT:
            return verdict
        self._counters[f"tunnels.{inner.tunnel.kind}" if inner.tunnel is not None else ""] += 1
        found = self._process(inner)
        if found.action is not ACCEPT:
            return denied_inside(found)
        if inner.rewritten is not None:
            packet.rewritten = rewrite_inside(packet, inner, inner.rewritten)
            if packet.rewritten is None:
                return self._veto(_TUNNELLED, inner, None)
        return verdict

    def _passes_as_older(self, flow: Flow) -> bool:
        """A connection that was there before us, not one that comes back after its entry has expired. The rules are
        asked about one that another process of the firewall knew."""
        if flow.inherited:
            return False
        older = self.older_connections
        return older is None or flow.key in older or flow.rkey in older

    # --- 4. vetoes ------------------------------------------------------------------------------------------------

    def _veto(self, veto: Drop, packet: Packet, flow: Flow | None) -> Verdict:
        self._counters[f"drop.{veto.reason}"] += 1
        self._events.anomaly(packet, flow, "stream", veto.reason)
        verdict = self._policy.veto(veto.reason, veto.flow)
        if verdict.final and flow is not None:
            flow.stop_looking(verdict)
        return verdict

    # --- 5. detection ---------------------------------------------------------------------------------------------

    def _detect(self, packet: Packet, flow: Flow, carries: bool) -> bool:
        """Feed the packet's new bytes to detectors and classifiers. Return True when a fact of the flow changed.

        ``carries``: another packet is inside, which has a verdict of its own.
        """
        changed = bool(self._expectations) and flow.expected is None and self._expect_late(flow, packet)
        datagram = flow.proto != TCP
        for _offset, data, gap in packet.segments:
            if gap:
                changed |= self._detection.skip(flow, packet.to_server, gap)
            if data:
                feed = self._feed_carrier if carries else self._feed
                changed |= feed(flow, packet.to_server, data, datagram)
        state = flow.detection
        if state.match is not None or state.app_proto is not None:
            self._events.protocol(flow)
        return changed

    def _expect_late(self, flow: Flow, packet: Packet) -> bool:
        """Return True when the flow was announced since it began: some FTP servers connect before they answer PORT."""
        if flow.detection.payload_seen or packet.time - flow.start > LIFETIME:
            return False
        flow.expected = self._expectations.take(flow, packet.time)
        return flow.expected is not None

    # --- 6. the chain ---------------------------------------------------------------------------------------------

    def _failed_plugin(self) -> str:
        # a function of its own: for a type checker, and so for mypyc, the walk cannot have changed what was None before
        return self._guard.failed or ""

    def _decide(self, packet: Packet, flow: Flow, slot: int) -> Verdict:
        """Return the verdict that holds for the slot, else that of the rules or of the failure policy."""
        if self._guard.failed is not None:
            return self._fail(self._guard.failed, packet, flow)
        cache = flow.cache
        verdict = cache.verdicts[slot]
        if verdict is None:
            verdict = self._hooks.walk(packet, flow)
            if verdict is None:
                return self._fail(self._failed_plugin(), packet, flow)
            asked = self._chains.asked
            if not verdict.final and asked.facts:
                if self._detection.blind(flow):
                    return self._fail("quarantine", packet, flow)
                if packet.error == "truncated" and self._live and not self._beginning_decides(verdict, packet, flow):
                    return self._policy.truncated
            if self._observe and verdict.action is not ACCEPT:
                verdict = self._events.would_be(verdict, packet, flow)
            unacked = flow.tcp.unacked and flow.detection.following is None
            keep = not asked.packet and (verdict.final or not unacked)
            cache.record(slot, verdict, keep=keep)
        elif verdict.final:
            cache.record(slot, verdict, keep=True)
        if verdict.action is not ACCEPT:
            self._events.drop(verdict, packet, flow)
        return verdict

    def _beginning_decides(self, verdict: Verdict, packet: Packet, flow: Flow) -> bool:
        """Return True where a truncated packet's bytes name its protocol, and the unseen rest could tell the rules
        nothing more: TCP would send the same long segment again for ever.
        """
        return (
            verdict.cause is Cause.RULE
            and flow.app_proto not in (None, "unknown", "none")
            and flow.app_proto not in self._asked_protocols
            and self._transactions.survives(flow, packet.to_server, packet.length - len(packet.data))
        )

    def _decide_found(self, packet: Packet, flow: Flow, slot: int) -> Verdict:
        """Return the verdict on a packet whose bytes the detectors have seen."""
        if self._transactions.due:
            verdict = self._decide_transactions(packet, flow, slot)
        else:
            verdict = self._decide(packet, flow, slot)
        return verdict if self._transactions.ambiguous is None else self._apply_ambiguity(packet, flow, verdict)

    def _decide_transactions(self, packet: Packet, flow: Flow, slot: int) -> Verdict:
        """Return the verdict on a packet that completes transactions: the chain is walked for each whose facts it asks,
        until one is not accepted.
        """
        found = self._transactions.take()
        verdict: Verdict | None = None
        decided = 0
        for protocol, transaction in found:
            decided += 1
            self._transactions.apply(flow, protocol, transaction)
            flow.cache.facts_changed()
            verdict = None
            if protocol in self._asked_protocols:
                verdict = self._decide(packet, flow, slot)
                if verdict.action is not ACCEPT:
                    break
        if verdict is None:
            verdict = self._decide(packet, flow, slot)
        if verdict.action is ACCEPT or verdict.final:
            self._events.transactions(flow, found[:decided], packet)
        if verdict.final and verdict.action is not ACCEPT:
            self._events.transactions(flow, self._transactions.end(flow), None)
        return verdict

    def _apply_ambiguity(self, packet: Packet, flow: Flow, verdict: Verdict) -> Verdict:
        """Return the verdict of ``failure.ambiguous`` where the rules would let the packet pass."""
        ambiguity, self._transactions.ambiguous = self._transactions.ambiguous, None
        if verdict.action is not ACCEPT or ambiguity is None:
            return verdict
        protocol, reason = ambiguity
        self._counters["failure.ambiguous"] += 1
        self._events.anomaly(packet, flow, "applayer", f"{protocol}.ambiguous.{reason}")
        dropped = self._policy.ambiguous(protocol, reason, datagram=flow.proto != TCP)
        if dropped is None:
            return verdict
        if dropped.final:
            self._events.transactions(flow, self._transactions.end(flow), None)
            flow.stop_looking(dropped)
        if dropped.action is not ACCEPT:
            self._events.drop(dropped, packet, flow)
        return dropped

    def _tell_receiver(self, packet: Packet, flow: Flow) -> None:
        """A REJECT tells the sender. Inside a connection its first packet tells the receiver, by becoming a RST; the
        sender is told when it sends again."""
        last = flow.cache.last
        rejected_before = last is not None and last.action is REJECT
        if not rejected_before and not packet.related and packet.error is None and not packet.flags & (SYN | RST):
            packet.rewritten = reset_for_receiver(packet)

    def _fail(self, plugin: str, packet: Packet, flow: Flow) -> Verdict:
        """Return the verdict of ``failure.plugin_error``."""
        verdict = self._policy.plugin_error(plugin, self._guard.hung)
        if verdict.final:
            flow.stop_looking(verdict)
        if verdict.action is not ACCEPT:
            self._events.drop(verdict, packet, flow)
        return verdict


def _is_repeated(syn: Packet, flow: Flow) -> bool:
    """Return True for the SYN that began the flow, again or at the other hook of ``lo``. Where content was looked at
    nobody can tell: a client may choose the same number.
    """
    same = syn.seq == flow.tcp.first_seq and syn.key == flow.key
    return same and not flow.detection.payload_seen and syn.time - flow.start < OPENING_SECONDS


def _close(flow: Flow) -> None:
    """A flow whose verdict is final is not tracked any more; its end and a new connection on its key still show."""
    flow.timeout = CLOSING_SECONDS
    flow.state = flow.share = "closed"
    flow.closed = True
