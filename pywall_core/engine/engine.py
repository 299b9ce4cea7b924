"""The engine: packet in, verdict out. It does not know where packets come from; its clock is ``packet.time``.

decode (by the source) -> fragments -> flow -> cached verdict? -> ``packet`` hooks -> recognition -> chain ->
``decided`` -> ``segment`` hooks. Every path ends in one Verdict; nothing that a packet or a plugin does raises.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..chain.predict import BACK, OtherWay
from ..chain.walk import Chains
from ..config import bind_chains, leaves
from ..detection.classifiers import Classifier
from ..detection.detectors import Detectors, Recognition
from ..detection.snapshot import Snapshot, restore, snapshot
from ..events.emitter import Reporter
from ..events.eve import Event, EventBuilder
from ..flows.expectations import Announcement, Expectations
from ..flows.table import FlowTable, touch_datagram_flow
from ..model.errors import Hung
from ..model.flow import Flow
from ..model.packet import ACK, FIN, INPUT, OUTPUT, RST, SYN, TCP, Packet
from ..model.verdict import ACCEPT, Action, Answer, Drop, Verdict
from ..packet.decode import stray_error
from ..packet.fragments import Fragments
from ..plugins.facts import known_facts
from .failure_policy import Fallbacks
from .losses import losses
from .quarantine import Failures
from .stats import engine_stats
from .tally import Tally
from .timing import CHAINS, EVERY, Calls, Timing

if TYPE_CHECKING:
    from ..config import Config
    from ..plugins.loader import Plugins

TICK_SECONDS: Final = 1.0
#: seconds that a flow with a final verdict stays after its FIN or RST went by
CLOSING_SECONDS: Final = 10.0


class Tracer(Protocol):
    """Stands between the engine and what it asks, and takes notes."""

    def watch(self, detectors: Detectors, classifiers: list[Classifier]) -> tuple[Detectors, list[Classifier]]:
        """Return the same detectors and classifiers, taking notes when they are called."""

    def watch_walks(self, engine: Engine) -> Callable[[Packet, Flow], Verdict]:
        """Return the engine's way through its chains, with notes."""


class Engine:
    """One packet engine over one configuration and its loaded plugins.

    ``sink(event)`` takes finished EVE events; ``live`` says whether ``packet.time`` is the monotonic clock and whether
    packets were cut by the queue; ``pcap_filename`` goes into events of a replay; ``tracer`` takes notes.
    """

    def __init__(
        self,
        config: Config,
        plugins: Plugins,
        *,
        live: bool,
        sink: Callable[[Event], None] | None = None,
        pcap_filename: str | None = None,
        tracer: Tracer | None = None,
    ) -> None:
        self.config = config
        self.plugins = plugins
        self.live = live
        self.log = logging.getLogger("pywall")
        self.now = 0.0
        self.packets = 0
        self.bytes = 0
        self.counters: Counter[str] = Counter()
        self._tally = Tally()
        #: number of the worker process, from 0
        self.worker = 0
        #: further parts of :meth:`stats` by name, from those who run the engine
        self.reports: dict[str, Callable[[], dict[str, Any]]] = {}
        self.failures = Failures(self.log)
        builder = EventBuilder(live=live, pcap_filename=pcap_filename)
        self._reporter = Reporter(builder, sink, plugins.calls("event"), self.guard, self.counters)
        self._next_tick = 0.0

        detection = config.detection
        detectors, classifiers = plugins.detectors, plugins.classifiers()
        if tracer is not None:
            detectors, classifiers = tracer.watch(detectors, classifiers)
        self.recognition = Recognition(detectors, classifiers, detection.bytes, detection.packets, self._plugin_error)
        self.fact_state: Callable[[Flow, str], Answer] = self.recognition.fact_state
        self._feed = self.recognition.feed
        #: go on looking at a flow whose verdict is final, so that it gets its name
        self._look_on = detection.all if detection.all is not None else not live
        self.flows = FlowTable(config.table.flows, self._flow_ended)
        self.expectations = Expectations()
        self.fragments = Fragments()
        self._find = self.flows.find

        self._flow_start = plugins.calls("flow_start")
        self._flow_end = plugins.calls("flow_end")
        self._flow_released = plugins.calls("flow_released") if live else ()
        self._packet = plugins.calls("packet")
        self._decided = plugins.calls("decided")
        self._segment = plugins.calls("segment")
        self._raised: str | None = None
        self._hung = False
        self._busy = False

        self._observe = config.mode == "observe"
        registry = plugins.registry
        bound = bind_chains(
            config,
            registry.kinds,
            capabilities=plugins.provides(),
            protocols=plugins.protocols(),
            facts=known_facts(plugins.loaded),
        )
        self.chains = Chains(bound, config.default, registry.owner, self, self._reporter.observed)
        #: the verdict of a hook without a chain: it says nothing about the flow as a whole
        self._unruled = self.chains.unruled
        self._walk = self.chains.walk if tracer is None else tracer.watch_walks(self)
        self._fallbacks = Fallbacks(config)
        #: keys of the connections that were open when the firewall started; None: not known, any may be
        self.older_connections: frozenset[bytes] | None = None
        self._decided_at_sight = self.chains.decided_at_sight()
        self._other_way = OtherWay(self.chains, observe=self._observe)
        kinds = [kind for rules in bound.values() for rule in rules for kind in leaves(rule.condition)]
        classes = self.recognition.classifiers
        asked = {name for kind in kinds for name in kind.asks()}
        classes.wanted = classes.wanted and (self._look_on or not classes.facts.isdisjoint(asked))
        self.wants_interfaces = config.queue.loopback or any(kind.needs_interfaces for kind in kinds)
        self.timing = Timing()
        self._plain = (self._packet, self._decided, self._segment, self._walk)
        clocked = self.timing.calls
        self._clocked = (
            clocked(self._packet),
            clocked(self._decided),
            clocked(self._segment),
            self.timing.watch(CHAINS, self._walk),
        )
        self.recognition.add_set(self.timing.detectors(detectors.all), self.timing.classifiers(classifiers))
        #: packets until the next one under a clock; never 0 in a replay, whose results do not depend on the machine
        self._until_timed = EVERY if live else 0
        for name, hook in plugins.calls("startup"):
            self.guard(name, hook, self)

    # --- the packet path ------------------------------------------------------------------------------------------

    def process(self, packet: Packet) -> Verdict:
        """The verdict on one packet; never raises (but KeyboardInterrupt)."""
        self._busy = True
        try:
            self._until_timed -= 1
            return self._process(packet) if self._until_timed else self._timed(packet)
        finally:
            self._busy = False

    def progress(self) -> int:
        """A number that changes with each packet, -1 while the engine is not at work."""
        return self.packets if self._busy else -1

    def _process(self, packet: Packet) -> Verdict:
        now = packet.time
        self.advance(now)
        self.packets += 1
        self.bytes += packet.length
        if packet.error is not None or packet.frag is not None:
            special = self._special(packet)
            if type(special) is Verdict:
                return self._count(special)
            if special is not packet:
                return self._completed(packet, special)  # type: ignore[arg-type]
        flow = self._find(packet.key)
        if flow is None:
            if packet.related:
                stray_error(packet)
                flow = self._find(packet.key)
            if flow is None:
                flow = self._begin(packet)
        elif flow.closed and packet.proto == TCP and packet.flags & (SYN | ACK) == SYN and not packet.related:
            self.flows.end(flow, "closed")
            flow = self._begin(packet)
        if flow is None:
            self.counters["flows.table_full"] += 1
            return self._count(self._fallbacks.table_full)

        to_server = packet.to_server = packet.key == flow.key
        slot = packet.hook << 1 | to_server
        if packet.hook == OUTPUT and packet.outdev == "lo":
            return self._loopback_output(packet, flow, slot)
        flow.last = now
        if to_server:
            flow.pkts_toserver += 1
            flow.bytes_toserver += packet.length
        else:
            flow.pkts_toclient += 1
            flow.bytes_toclient += packet.length
            if flow.share == "new" and flow.proto != TCP:
                touch_datagram_flow(flow)

        final = flow.final
        cached = final if final is not None and final.action is not ACCEPT else flow.verdicts[slot]
        if (
            cached is None
            or not cached.final
            or (cached.action is ACCEPT and not (flow.released or self._release(flow, slot)))
        ):
            verdict = self._first_sight(packet, flow, slot) if flow.released else self._decide(packet, flow, slot)
            self._tally.add(verdict)
            return verdict
        if flow.proto == TCP and packet.flags & (FIN | SYN | RST):
            self._connection_flags(packet, flow)
        self._tally.add(cached)
        if cached is not self._unruled:
            flow.verdict = cached
        return cached

    def advance(self, now: float) -> None:
        """Let the clock go on to ``now``, seconds, as a packet of that time would."""
        if now >= self._next_tick or now < self.now - 3600:
            self.tick(now)

    def tick(self, now: float) -> None:
        """Once a second of the clock: timeouts and the plugins' ticks."""
        self.now = now
        self._next_tick = now + TICK_SECONDS
        self._reporter.tick(now)
        self.flows.sweep(now)
        self.expectations.sweep(now)
        for name, hook in self.plugins.calls("tick"):
            self.guard(name, hook, now)

    def close(self) -> None:
        """No more packets: end all flows, tell the plugins."""
        for flow in self.flows:
            self.recognition.finish(flow)
        self.flows.clear("shutdown")
        for name, hook in self.plugins.calls("shutdown"):
            self.guard(name, hook)

    def offloadable(self, packet: Packet, verdict: Verdict) -> int:
        """In how many directions of the connection the kernel may carry this verdict: 0, 1 (the packet's) or 2.

        It may when the verdict is final and nobody wants to see more of the flow. An ACCEPT of the other direction is
        handed over as well where it is known already.
        """
        if not verdict.final or packet.related:
            return 0
        flow = self._find(packet.key)
        if flow is None or verdict.action is not ACCEPT:
            return flow is None or not flow.watched
        slot = packet.hook << 1 | packet.to_server
        if not (flow.released or self._release(flow, slot)):
            return 0
        if flow.loopback:
            return 1
        back = self._foresee(flow, BACK[packet.hook], not packet.to_server)
        if back is None or not back.final or back.action is not ACCEPT:
            return 1
        if flow.final is None and back is not self._unruled:
            flow.final = back
        return 2

    # --- what plugins and commands may call -----------------------------------------------------------------------

    def emit(self, event_type: str, flow: Flow | None = None, packet: Packet | None = None, **fields: Any) -> None:
        """Write an EVE event; ``fields`` become top-level keys."""
        self._reporter.emit(event_type, flow, packet, fields)

    @property
    def verdicts(self) -> Counter[Action]:
        """Packets by the action of their verdict."""
        return self._tally.actions()

    @property
    def decisions(self) -> Counter[tuple[str, str, Action]]:
        """Packets by chain, rule and action of their verdict."""
        return self._tally.decisions()

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter of the ``stats`` event."""
        self.counters[name] += n

    def expect(self, parent: Flow, app_proto: str, proto: int, dst: bytes, dport: int, src: bytes | None) -> None:
        """See :meth:`pywall_core.model.flow.Flow.expect`."""
        announcement = Announcement(parent, app_proto, proto, dst, dport, src, self.recognition.asking)
        self.expectations.staged.append(announcement)

    def stats(self) -> dict[str, Any]:
        """Cumulative counters, nested; ``docs/reference/events.md`` says what each is. Walks the flow table."""
        return engine_stats(self)

    def losses(self) -> dict[str, int]:
        """Packets and events that were not treated as the rules say, by cause: see :mod:`pywall_core.engine.losses`."""
        return losses(self.counters, {name: report() for name, report in self.reports.items()})

    # --- inside ---------------------------------------------------------------------------------------------------

    def _timed(self, packet: Packet) -> Verdict:
        """One packet in 64, with a clock at every call of a plugin."""
        self._until_timed = EVERY
        self._use(self._clocked, True)
        started = perf_counter()
        try:
            return self._process(packet)
        finally:
            self.timing.verdict(perf_counter() - started)
            self._use(self._plain, False)

    def _use(self, calls: tuple[Calls, Calls, Calls, Callable[..., Verdict]], clocked: bool) -> None:
        self._packet, self._decided, self._segment, self._walk = calls
        self.recognition.use(clocked)

    def _release(self, flow: Flow, slot: int) -> bool:
        """May the final ACCEPT of ``slot`` (hook << 1 | direction) end all looking at the flow's packets there?

        Not while the other direction is undecided: its detectors and the tracker need both. A hook whose rules ask
        neither facts nor packets decides at first sight and need not be waited for.
        """
        if flow.watched or (self._look_on and (not flow.detect_done or flow.classifying)):
            return False
        if flow.loopback:
            for other in (INPUT << 1, INPUT << 1 | 1, OUTPUT << 1, OUTPUT << 1 | 1):
                verdict = flow.verdicts[other]
                if (other >> 1) not in self._decided_at_sight and (verdict is None or not verdict.final):
                    return False
        else:
            hook = BACK[slot >> 1]
            if hook not in self._decided_at_sight:
                verdict = self._foresee(flow, hook, not slot & 1)
                if verdict is None or not verdict.final:
                    return False
        flow.released = True
        for name, call in self._flow_released:
            self.guard(name, call, flow)
        return True

    def _foresee(self, flow: Flow, hook: int, to_server: bool) -> Verdict | None:
        """The verdict of a direction, if need be before its first packet since the facts have changed."""
        slot = hook << 1 | to_server
        verdict = flow.verdicts[slot]
        if verdict is None and not flow.unacked:
            verdict = self._other_way.verdict(flow, to_server, hook)
            if verdict is not None and (verdict.action is ACCEPT or not verdict.final):
                flow.verdicts[slot] = verdict
        return verdict

    def _count(self, verdict: Verdict) -> Verdict:
        self._tally.add(verdict)
        return verdict

    def _begin(self, packet: Packet) -> Flow | None:
        flow = self.flows.create(packet)
        if flow is None:
            return None
        flow.engine = self
        self.recognition.begin(flow)
        if self.expectations:
            flow.expected = self.expectations.take(flow, packet.time)
        for name, hook in self._flow_start:
            self.guard(name, hook, flow)
        return flow

    def _special(self, packet: Packet) -> Verdict | Packet:
        """Fragments and packets that did not decode."""
        error = packet.error
        if packet.frag is not None and error is None:
            whole = self.fragments.add(packet)
            if whole is None:
                return self._fallbacks.fragment
            if isinstance(whole, Drop):
                return self._vetoed(whole, packet, None)
            return self._special(whole) if whole.error is not None else whole
        if error == "truncated":
            self.counters["decoder.truncated"] += 1
            return packet
        self.counters[f"decoder.{error}"] += 1
        self._reporter.anomaly(packet, None, "decode", error or "")
        return self._fallbacks.undecodable

    def _completed(self, last: Packet, whole: Packet) -> Verdict:
        """A datagram is whole again: its verdict is that of the fragment which completed it."""
        self.packets -= 1
        self.bytes -= whole.length
        verdict = self._process(whole)
        if verdict.action is ACCEPT:
            self.fragments.passed(last)
        return verdict

    def _first_sight(self, packet: Packet, flow: Flow, slot: int) -> Verdict:
        """The first packet of a direction that is decided at sight, after the other has released the flow."""
        self._raised = None
        verdict = self._judge(packet, flow, slot)
        if verdict is not self._unruled:
            flow.verdict = verdict
        return verdict

    def _decide(self, packet: Packet, flow: Flow, slot: int) -> Verdict:
        before: Snapshot | None = None
        self._raised = None
        self._hung = False
        veto: Drop | None = None
        if self.expectations.staged:
            self.expectations.discard()
        if packet.proto != TCP and packet.end > packet.start and not packet.related:
            packet.segments = ((0, packet.data[packet.start : packet.end], 0),)
        for name, hook in self._packet:
            try:
                veto = hook(packet, flow)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # sys.exit() in a plugin is the plugin's failure, not ours
                self._plugin_error(name, flow, error)
            if veto is None:
                continue
            if type(veto) is Drop:
                break
            self._plugin_error(name, flow, TypeError(f"pywall_packet returned {type(veto).__name__}"))
            veto = None
        if veto is not None:
            verdict = self._vetoed(veto, packet, flow)
            if verdict.final:
                self._settle_flow(flow, verdict)
        elif flow.midstream and self._fallbacks.pass_midstream and flow.verdict is None and self._is_older(flow):
            verdict = self._fallbacks.midstream
            self._settle_flow(flow, verdict)
        else:
            if packet.segments:
                if packet.related:
                    packet.segments = ()
                else:
                    before = None if flow.detect_done else snapshot(flow)
                    if self._feed_segments(packet, flow):
                        flow.verdicts = [None] * 8
            verdict = self._judge(packet, flow, slot)
        for name, hook in self._decided:
            try:
                hook(packet, flow, verdict)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._plugin_error(name, flow, error)
        if verdict.action is ACCEPT:
            if self._segment and packet.segments:
                for name, hook in self._segment:
                    for offset, data, gap in packet.segments:
                        self.guard(name, hook, flow, packet.to_server, offset, data, gap)
        elif before is not None and not verdict.final:
            restore(flow, before)
        if self.expectations.staged:
            self.expectations.commit(packet, flow, verdict, packet.time)
        if verdict is not self._unruled or flow.verdict is None:
            flow.verdict = verdict
        return verdict

    def _feed_segments(self, packet: Packet, flow: Flow) -> bool:
        changed = False
        datagram = flow.proto != TCP
        for _offset, data, gap in packet.segments:
            if gap and not flow.detect_done:
                changed |= self.recognition.finish(flow)
            if data:
                changed |= self._feed(flow, packet.to_server, data, datagram)
        if flow.match is not None or flow.app_proto is not None:
            self._reporter.protocol(flow)
        return changed

    def _judge(self, packet: Packet, flow: Flow, slot: int) -> Verdict:
        if self._raised is not None:
            return self._failed_plugin(self._raised, packet, flow)
        verdict = flow.verdicts[slot]
        if verdict is None:
            try:
                verdict = self._walk(packet, flow)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._plugin_error("rules", flow, error)
                return self._failed_plugin("rules", packet, flow)
            asked = self.chains.asked
            if not verdict.final and asked.facts:
                if self.recognition.blind(flow):
                    return self._failed_plugin("quarantine", packet, flow)
                if packet.error == "truncated" and self.live:
                    return self._fallbacks.truncated
            if self._observe and verdict.action is not ACCEPT:
                verdict = self._reporter.would_be(verdict, packet, flow)
            if not asked.packet and (verdict.final or not flow.unacked):
                flow.verdicts[slot] = verdict
        if verdict.final and verdict is not self._unruled and (flow.final is None or verdict.action is not ACCEPT):
            flow.final = verdict
        if verdict.action is not ACCEPT:
            self._reporter.drop(verdict, packet, flow)
        return verdict

    def _loopback_output(self, packet: Packet, flow: Flow, slot: int) -> Verdict:
        """On ``lo`` a packet passes OUTPUT and INPUT with one key: only its chain is walked here."""
        verdict = flow.final if flow.final is not None and flow.final.action is not ACCEPT else flow.verdicts[slot]
        return self._count(verdict if verdict is not None and verdict.final else self._judge(packet, flow, slot))

    def _connection_flags(self, packet: Packet, flow: Flow) -> None:
        """A flow whose verdict is final is not tracked any more; its end and a new connection on its key still show."""
        flags = packet.flags
        if flags & (FIN | RST):
            flow.timeout = CLOSING_SECONDS
            flow.state = flow.share = "closed"
            flow.closed = True

    def _vetoed(self, veto: Drop, packet: Packet, flow: Flow | None) -> Verdict:
        self.counters[f"drop.{veto.reason}"] += 1
        self._reporter.anomaly(packet, flow, "stream", veto.reason)
        return self._fallbacks.veto(veto.reason, veto.flow)

    def _plugin_error(self, plugin: str, flow: Flow, error: BaseException) -> None:
        """Called where a plugin raised; ``_judge`` then answers by ``failure.plugin_error``."""
        self._raised = plugin
        self._hung |= isinstance(error, Hung)
        self.counters["failure.plugin_error"] += 1
        if self.failures.record(plugin, error):
            self.recognition.quarantine(plugin)

    def _failed_plugin(self, plugin: str, packet: Packet, flow: Flow) -> Verdict:
        verdict = self._fallbacks.plugin_error(plugin, self._hung)
        if verdict.final:
            self._settle_flow(flow, verdict)
        if verdict.action is not ACCEPT:
            self._reporter.drop(verdict, packet, flow)
        return verdict

    def _settle_flow(self, flow: Flow, verdict: Verdict) -> None:
        """A verdict on all packets of the flow that no rule made: nobody looks at it any more."""
        flow.final = verdict
        flow.verdicts = [verdict] * 8
        flow.pending = flow.classifying = 0
        flow.detect_done = True

    def _is_older(self, flow: Flow) -> bool:
        """A connection that was there before us, not one that comes back after its entry has expired."""
        older = self.older_connections
        return older is None or flow.key in older or flow.rkey in older

    def guard(self, plugin: str, hook: Callable[..., Any], *args: Any) -> Any:
        """Call a hook whose failure costs no packet its verdict."""
        busy, self._busy = self._busy, True
        try:
            return hook(*args)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.counters["failure.plugin_error"] += 1
            self.failures.record(plugin, error)
            return None
        finally:
            self._busy = busy

    def _flow_ended(self, flow: Flow, reason: str) -> None:
        self.recognition.finish(flow)
        self._reporter.protocol(flow)
        for name, hook in self._flow_end:
            self.guard(name, hook, flow, reason)
        self.counters[f"flows.ended.{reason}"] += 1
        self._reporter.emit("flow", flow, None, {"reason": reason})


def build_engine(
    config: Config, *, live: bool, sink: Callable[[Event], None] | None = None, pcap_filename: str | None = None
) -> Engine:
    """Load the configuration's plugins and make an engine. Raises ConfigError or PluginError."""
    from ..plugins.loader import load

    return Engine(config, load(config), live=live, sink=sink, pcap_filename=pcap_filename)
