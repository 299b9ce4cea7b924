"""The engine: packet in, verdict out. It does not know where packets come from; its clock is ``packet.time``.

It builds the parts, keeps the clock, and is the :class:`~pywall_core.model.host.Host` of the plugins. A packet's way is
in :mod:`pywall_core.engine.pipeline`. Nothing that a packet or a plugin does raises.

Longer than 300 lines: it is the one place where all parts meet, and most of it are the names that others call.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import blake2b
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..calls.guard import Guard
from ..calls.quarantine import Failures
from ..chain.compile import Rule
from ..chain.walk import Chains
from ..config import leaves
from ..config.sets import build_sets
from ..detection import ip_protocols
from ..detection.classifiers import Classifier
from ..detection.detection import Detection
from ..detection.detectors import Detectors
from ..events.emitter import Reporter
from ..events.eve import EventBuilder
from ..events.fields import Event
from ..flows.expectations import GROUP_ANSWER, Announcement, Expectations
from ..flows.handover import describe
from ..flows.inheritance import Inheritance
from ..flows.table import FlowTable
from ..model.flow import Flow
from ..model.helper import Helper
from ..model.packet import TCP, UDP, Packet
from ..model.verdict import ACCEPT, PENDING, Action, Answer, Cause, Verdict
from ..packet.fragments import Fragments
from .counters import Decision, VerdictCounter, losses
from .failure_policy import FailurePolicy
from .hooks import PacketHooks, Walk
from .offload import Offload
from .pipeline import Pipeline
from .set_changes import SetChanges
from .sharing import Sharing
from .shortcuts import why_bare_acks_are_queued
from .stats import engine_stats
from .timing import EVERY, Timing

if TYPE_CHECKING:
    from ..config import Config
    from ..plugins.registry import Plugins

TICK_SECONDS: Final = 1.0
#: entries of the flow table that are looked at in one go, live: some 1 ms, and seconds until the others' turn
LOOKS_AT_ONCE: Final = 256
PIECE_SECONDS: Final = 0.01
#: flows that are classified when they end, live and for their events alone: some 0.4 ms each, while packets wait
CLASSES_A_SECOND: Final = 200
#: what is handed over of a flow that was dropped since servers read it differently
_AMBIGUOUS: Final = {"": "ambiguous"}


class Tracer(Protocol):
    """Stands between the engine and what it asks, and takes notes."""

    def watch(self, detectors: Detectors, classifiers: list[Classifier]) -> tuple[Detectors, list[Classifier]]:
        """Return the same detectors and classifiers, taking notes when they are called."""

    def watch_walks(self, engine: Engine) -> Walk:
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
        self._verdicts = VerdictCounter()
        #: number of the worker process, from 0
        self.worker = 0
        self._begin_replay(pcap_filename)
        #: further parts of :meth:`stats` by name, from those who run the engine
        self.reports: dict[str, Callable[[], dict[str, Any]]] = {}
        self.timing = Timing()
        self._next_tick = self._next_second = 0.0
        self._take_hooks()
        self.failures = Failures(self.log)
        self._guard = Guard(self.failures, self.counters, self._quarantine)
        builder = EventBuilder(live=live, pcap_filename=pcap_filename)
        self._events = Reporter(builder, sink, plugins.calls("event"), self._guard, self.counters)

        detectors, classifiers = plugins.detectors, plugins.classifiers()
        if tracer is not None:
            detectors, classifiers = tracer.watch(detectors, classifiers)
        self.detection = self._make_detection(detectors, classifiers)
        builder.carried = self.detection.carriers.facts
        self.fact_state: Callable[[Flow, str], Answer] = self.detection.states.fact_state
        self.possible_names: Callable[[Flow], frozenset[str]] = self.detection.states.possible_names
        self.may_be_confirmed: Callable[[Flow], bool] = self.detection.states.may_be_confirmed
        self.flows = FlowTable(config.table.flows, self._end_flow)
        self.expectations = Expectations()
        self.inheritance = Inheritance()
        #: plugins' ways to their helper processes, by plugin
        self.helpers: dict[str, Helper] = {}
        self.sharing = Sharing(self._guard)
        self._kept: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}
        self.keep("core.expectations", self.expectations.save, self.expectations.load)
        self.fragments = Fragments()

        #: go on looking at a flow whose verdict is final, so that it gets its name
        look_on = config.detection.all if config.detection.all is not None else not live
        self._compile_rules(look_on)
        self._offload = self._make_offload(look_on)
        #: In how many directions of the connection the kernel may carry a verdict, by packet and verdict: 0, 1 or 2.
        self.offloadable: Callable[[Packet, Verdict], int] = self._offload.directions
        self._make_pipelines(tracer, detectors, classifiers)
        self._guard.call_all(plugins.calls("startup"), self)
        self._limit_classes_at_end()

    # --- packets --------------------------------------------------------------------------------------------------

    def process(self, packet: Packet) -> Verdict:
        """Return the verdict on one packet; never raises (but KeyboardInterrupt)."""
        self._guard.busy = True
        try:
            now = packet.time
            if now >= self._next_tick or now < self.now - 3600:  # as advance(), without the call
                self.tick(now)
            self.packets += 1
            self.bytes += packet.length
            self._until_timed -= 1
            return self._pipeline.process(packet) if self._until_timed else self._process_timed(packet)
        finally:
            self._guard.busy = False

    def progress(self) -> int:
        """Return a number that changes with each packet, -1 while the engine is not at work."""
        return self.packets if self._guard.busy else -1

    def advance(self, now: float) -> None:
        """Let the clock go on to ``now``, seconds, as a packet of that time would."""
        if now >= self._next_tick or now < self.now - 3600:
            self.tick(now)

    def tick(self, now: float) -> None:
        """Once a second of the clock: timeouts and the plugins' ticks. Live, timeouts come in pieces: packets wait."""
        whole = now >= self._next_second or now < self.now
        self.now = self._events.now = now
        self.ticking = True
        if whole:
            self._next_second = now + TICK_SECONDS
            self._classes_left = self._classes_a_second
            self._events.tick()
        over = self.flows.sweep(now, LOOKS_AT_ONCE if self.live else sys.maxsize)
        self._next_tick = self._next_second if over else min(now + PIECE_SECONDS, self._next_second)
        if whole:
            self.expectations.sweep(now)
            self.set_changes.sweep(now)
            self._guard.call_all(self._tick_hooks, now)
        self.ticking = False

    def _take_hooks(self) -> None:
        self._tick_hooks = self.plugins.calls("tick")
        self._flow_start = self.plugins.calls("flow_start")
        self._flow_end = self.plugins.calls("flow_end")

    def _begin_replay(self, capture: str | None) -> None:
        #: in a replay: number of the frame at work, from 1, over all captures of this engine
        self.frame = 0
        #: the clock is at work, or the end, and not a packet
        self.ticking = self.closing = False
        self._first_flow = _first_flow(capture)

    def begin_capture(self, path: str) -> None:
        """Name the capture that the next packets come from, after an earlier one whose flows go on."""
        self._events.builder.pcap_filename = path

    def close(self) -> None:
        """No more packets: end all flows, tell the plugins."""
        self.closing = True
        self.flows.clear("shutdown")
        self._guard.call_all(self.plugins.calls("shutdown"))

    # --- what another process knew --------------------------------------------------------------------------------

    def describe_flows(self, *, exact: bool = False) -> Iterator[bytes]:
        """Yield what is known of each live flow, for :meth:`inherit` of another process. ``exact``: no packet will pass
        here any more.
        """
        for flow in self.flows:
            if not flow.closed and (line := describe(flow, self._keep_flow(flow), exact=exact)) is not None:
                yield line
        yield from self.inheritance.entries()

    def _keep_flow(self, flow: Flow) -> dict[str, Any] | None:
        """Return what another process needs to go on with the bytes of a flow, None where nothing is looked at or
        nobody can tell.
        """
        if flow.final is not None and flow.final.cause is Cause.AMBIGUOUS and flow.detection.following is None:
            return dict(_AMBIGUOUS)
        if not (flow.looked_at or flow.tcp.unacked):
            return None
        kept: dict[str, Any] = {}
        parser = self.detection.transactions.save(flow)
        if parser is not None:
            kept[""] = parser
        for plugin, call in self.plugins.calls("flow_state"):
            self._guard.begin_packet()
            state = self._guard.call(plugin, call, flow)
            if state is not None:
                kept[plugin] = state
        return kept or None

    def inherit(self, descriptions: Iterable[bytes], *, exact: bool = False) -> None:
        """Take descriptions of flows in, for their next packets; they may say anything. ``exact``: believe those which
        say that no packet has passed since they were made.
        """
        for line in descriptions:
            self.inheritance.add(line, exact=exact)
        self.flows.client_is_receiver = self.inheritance.client_is_receiver

    def assume_originals(self, keys: frozenset[bytes]) -> None:
        """Take the keys of connections that were open at the start, in the direction of those who began them."""
        self.inheritance.originals = keys
        self.flows.client_is_receiver = self.inheritance.client_is_receiver

    def keep(self, name: str, save: Callable[[], Any], load: Callable[[Any], None]) -> None:
        """See :meth:`pywall_core.model.host.Host.keep`."""
        self._kept[name] = save, load

    def share(self, name: str, received: Callable[[list[Any]], None]) -> Callable[[list[Any]], None] | None:
        """See :meth:`pywall_core.model.host.Host.share`."""
        self.sharing.register(name, received)
        return partial(self.sharing.tell, name) if self.live and self.config.queue.workers > 1 else None

    def helper(self, name: str, answered: Callable[[dict[str, Any]], None]) -> Helper:
        """See :meth:`pywall_core.model.host.Host.helper`."""
        helper = self.helpers[name] = Helper(answered)
        return helper

    def helper_descriptors(self) -> tuple[int, ...]:
        """Return what can be read when helper processes have answered."""
        return tuple(helper.descriptor for helper in self.helpers.values() if helper.descriptor >= 0)

    def read_helpers(self) -> None:
        """Read what helper processes have answered."""
        for name, helper in self.helpers.items():
            self._guard.call(name, helper.read)

    def holds(self, packet: Packet, verdict: Verdict) -> bool:
        """Return whether an accepted packet waits for what a helper process is about to say of its flow."""
        if not self.may_hold or verdict.action is not ACCEPT:
            return False
        flow = self.flows.find(packet.key)
        names = self._told_facts if verdict.cause is Cause.PENDING else self._awaited_facts
        return flow is not None and any(self.fact_state(flow, name) is PENDING for name in names)

    def decide_again(self, packet: Packet, before: Verdict) -> Verdict:
        """Return the verdict on a packet that has had one, by what is known now."""
        flow = self.flows.find(packet.key)
        if flow is None:
            return before
        self._guard.busy = True
        try:
            verdict = self._pipeline.decide_again(packet, flow)
        finally:
            self._guard.busy = False
        self._verdicts.move(before, verdict)
        return verdict

    def save_state(self) -> dict[str, Any]:
        """Return what plugins and rules keep over a reload and a restart, by name."""
        return {name: self._guard.call(name, save) for name, (save, _) in self._kept.items()}

    def load_state(self, state: dict[str, Any]) -> None:
        """Give plugins and rules what :meth:`save_state` of another process said."""
        for name, (_, load) in self._kept.items():
            if state.get(name) is not None:
                self._guard.call(name, load, state[name])

    def assume_older(self, keys: frozenset[bytes]) -> None:
        """Take the keys of the connections that were open when the firewall started. Without them any may have been."""
        self._pipeline.older_connections = keys
        if self._timed_pipeline is not None:
            self._timed_pipeline.older_connections = keys

    # --- what plugins and commands may call -----------------------------------------------------------------------

    def emit(self, event_type: str, flow: Flow | None = None, packet: Packet | None = None, **fields: Any) -> None:
        """Write an EVE event; ``fields`` become top-level keys."""
        self._events.emit(event_type, flow, packet, fields)

    def keep_alerts(self, keep: Callable[[bytes, str], None]) -> None:
        """Have ``keep(packet, comment)`` called for packets that raise an alert."""
        self._events.keep_packet = keep

    @property
    def verdicts(self) -> Counter[Action]:
        """Packets by the action of their verdict."""
        return self._verdicts.actions()

    @property
    def decisions(self) -> Counter[Decision]:
        """Packets by chain, rule and action of their verdict."""
        return self._verdicts.decisions()

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter of the ``stats`` event."""
        self.counters[name] += n

    def expect(self, parent: Flow, app_proto: str, proto: int, dst: bytes, dport: int, src: bytes | None) -> None:
        """See :meth:`pywall_core.model.flow.Flow.expect`."""
        timed = self._timed_detection
        detector = self.detection.asker.asking or (0 if timed is None else timed.asker.asking)
        self.expectations.staged.append(Announcement(parent, app_proto, proto, dst, dport, src, detector))

    def stats(self) -> dict[str, Any]:
        """Return cumulative counters, nested; ``docs/reference/events.md`` describes each. Walks the flow table."""
        return engine_stats(self)

    def plugin_stats(self) -> dict[str, Any]:
        """Return what the plugins' ``stats`` hooks say, by plugin."""
        found = {name: self._guard.call(name, hook) for name, hook in self.plugins.calls("stats")}
        return {name: stats for name, stats in found.items() if isinstance(stats, dict)}

    def losses(self) -> dict[str, int]:
        """Return packets and events not handled as the rules say, by cause: :mod:`pywall_core.engine.counters`."""
        return losses(self.counters, {name: report() for name, report in self.reports.items()})

    # --- inside ---------------------------------------------------------------------------------------------------

    def _make_detection(self, detectors: Detectors, classifiers: list[Classifier]) -> Detection:
        limits = self.config.detection
        carried = self.plugins.carried_classifiers()
        detection = Detection(detectors, classifiers, limits.bytes, limits.packets, self._guard, carried)
        detection.states.given = self.plugins.given_facts()
        return detection

    def _compile_rules(self, look_on: bool) -> None:
        """Compile the chains, and note what their rules need: interface names, classes, named sets."""
        config, plugins = self.config, self.plugins
        #: the named sets of the configuration
        self.sets = build_sets(config)
        bound = plugins.bind(config)
        #: segments without content pass unseen in the first packets of a connection
        self.misses_bare_acks = self.live and not why_bare_acks_are_queued(config, plugins, bound)
        kinds = [kind for rules in bound.values() for rule in rules for kind in leaves(rule.condition)]
        self.wants_interfaces = config.queue.loopback or any(kind.needs_interfaces for kind in kinds)
        owners, default = plugins.registry.owner, config.effective_default()
        self.chains = Chains(bound, default, owners, self, self._events.observed, added=self._add_to_set)
        self.set_changes = SetChanges(self.sets, self.flows, self.chains, observe=config.mode == "observe")
        self.detection.states.await_names(self.chains.asked_names())
        expected = {label for kind in kinds for label in kind.expects()}
        self.expectations.groups = GROUP_ANSWER in expected
        self._announcers = plugins.detectors.announcers(expected)
        asked = self._asked_facts = {name for kind in kinds for name in kind.asks()}
        self.detection.ask_for(asked)
        #: facts that rules ask and neither packets nor time bring, but a plugin's helper process
        self._awaited_facts = plugins.awaited_facts()
        self._told_facts = tuple(sorted({*asked.intersection(self.detection.states.given), *self._awaited_facts}))
        #: whether :meth:`holds` may ever say yes
        self.may_hold = bool(self._told_facts)
        self.detection.classifiers.wanted &= look_on or not asked.isdisjoint(self.detection.classifiers.facts)

    def _limit_classes_at_end(self) -> None:
        #: flows without a class that are still classified when they end, in a second and in what is left of it
        self._classes_a_second = 0
        if not self.live or self.plugins.needs_class_at_end():
            self._classes_a_second = sys.maxsize
        elif self._events.is_read:
            self._classes_a_second = CLASSES_A_SECOND
        self._classes_left = self._classes_a_second

    def _make_offload(self, look_on: bool) -> Offload:
        return Offload(
            self.flows.find,
            self.chains,
            self._guard,
            (("core", self._end_transactions), *(self.plugins.calls("flow_released") if self.live else ())),
            look_on=look_on,
            observe=self.config.mode == "observe",
            announcers=self._announcers,
        )

    def _make_pipelines(self, tracer: Tracer | None, detectors: Detectors, classifiers: list[Classifier]) -> None:
        """Make the way of a packet, live a second time under a clock."""
        walk = self.chains.walk if tracer is None else tracer.watch_walks(self)
        calls = self.plugins.calls
        hooks = PacketHooks(self._guard, calls("packet"), calls("decided"), calls("segment"), walk)
        self._pipeline = self._make_pipeline(hooks, self.detection)
        self._timed_detection: Detection | None = None
        self._timed_pipeline: Pipeline | None = None
        #: packets until the next one under a clock; never 0 in a replay, whose results do not depend on the machine
        self._until_timed = 0
        if self.live:
            self._make_timed_pipeline(hooks, detectors, classifiers)

    def _make_timed_pipeline(self, hooks: PacketHooks, detectors: Detectors, classifiers: list[Classifier]) -> None:
        timing = self.timing
        self._until_timed = EVERY
        self._timed_detection = self._make_detection(timing.detectors(detectors), timing.classifiers(classifiers))
        self._timed_detection.states.await_names(self.chains.asked_names())
        self._timed_detection.classifiers.wanted = self.detection.classifiers.wanted
        self._timed_detection.ask_for(self._asked_facts)
        self._timed_pipeline = self._make_pipeline(hooks.timed(timing), self._timed_detection)

    def _make_pipeline(self, hooks: PacketHooks, detection: Detection) -> Pipeline:
        return Pipeline(
            live=self.live,
            observe=self.config.mode == "observe",
            tunnels=self.config.detection.tunnels,
            flows=self.flows,
            fragments=self.fragments,
            expectations=self.expectations,
            detection=detection,
            chains=self.chains,
            hooks=hooks,
            guard=self._guard,
            offload=self._offload,
            policy=FailurePolicy(self.config),
            events=self._events,
            counters=self.counters,
            verdicts=self._verdicts,
            on_new_flow=self._begin_flow,
        )

    def _process_timed(self, packet: Packet) -> Verdict:
        """Return one packet in 64, with a clock at every call of a plugin."""
        assert self._timed_pipeline is not None
        self._until_timed = EVERY
        started = perf_counter()
        try:
            return self._timed_pipeline.process(packet)
        finally:
            self.timing.verdict(perf_counter() - started)

    def _begin_flow(self, flow: Flow, packet: Packet) -> None:
        flow.engine = self
        if self.frame and self._first_flow:
            flow.id = self._first_flow + self.frame
        self.detection.begin(flow)
        if packet.proto not in (TCP, UDP):
            flow.own_detection().facts = ip_protocols.read_facts(packet)
        if self.expectations.asks_group(packet):
            flow.watched = True  # each question counts, the first alone would soon be forgotten
        elif self.expectations:
            flow.expected = self.expectations.take(flow, packet.time)
        if self.flows.client_is_receiver is not None:
            self._recall_flow(flow, packet)
        self._guard.call_all(self._flow_start, flow)

    def _recall_flow(self, flow: Flow, packet: Packet) -> None:
        """Use what is known of a flow that began before this process."""
        known = self.inheritance.take(flow, packet)
        if known is None:
            flow.older = self.inheritance.is_older(flow, packet)
            if flow.older and self.inheritance.lost and self._asked_facts and packet.proto == TCP:
                self._refuse(flow, "tcp", "lost")  # half a request may have passed, and this be the other half
            return
        flow.inherited = True
        flow.interrupted = not known.exact
        flow.older, flow.initiator, flow.hook = known.older, known.initiator, known.hook
        flow.start = min(known.start, packet.time)
        flow.expected = known.expected
        if known.kept is not None:
            for plugin, call in self.plugins.calls("flow_resume"):
                if plugin in known.kept:
                    self._guard.call(plugin, call, flow, known.kept[plugin])
        self.detection.resume(flow, known)
        self.detection.transactions.forget_due()  # the packets that brought them have had their verdicts
        if (
            known.kept == _AMBIGUOUS and not known.followed
        ):  # what was refused comes again, and the rules cannot read it
            self._refuse(flow, known.app_proto or "", "before")

    def _refuse(self, flow: Flow, protocol: str, reason: str) -> None:
        """Nobody can tell any more what a connection says: ``failure.ambiguous`` decides on all of it."""
        dropped = FailurePolicy(self.config).ambiguous(protocol, reason, datagram=False)
        if dropped is not None and dropped.final:
            flow.stop_looking(dropped)

    def _end_flow(self, flow: Flow, reason: str) -> None:
        if flow.detection.classifying:
            self._classes_left -= 1
            if self._classes_left < 0:
                self.detection.classifiers.set_aside(flow)
                self.counters["flows.unclassified"] += self._events.is_read
        self.detection.finish(flow)
        self._end_transactions(flow)
        self._events.protocol(flow)
        self._guard.call_all(self._flow_end, flow, reason)
        self.counters[f"flows.ended.{reason}"] += 1
        self._events.emit("flow", flow, None, {"reason": reason})

    def _end_transactions(self, flow: Flow) -> None:
        """Nobody follows the flow any more: its open transactions have their events as they are."""
        self._events.transactions(flow, self.detection.transactions.end(flow), None)

    def _add_to_set(self, rule: Rule, packet: Packet, flow: Flow) -> None:
        if packet.tunnel is not None:  # whoever sends a tunnel's packets chooses the addresses inside
            self.counters["sets.inside_tunnel"] += 1
            return
        added = self.set_changes.add_by_rule(rule, packet, flow, packet.time)
        if added is not None:
            self.counters[f"sets.{added[0]}.added"] += 1
            self._events.emit("set", flow, packet, {"set": {"name": added[0], "entry": added[1], "op": "add"}})

    def _quarantine(self, plugin: str) -> None:
        self.detection.asker.quarantine(plugin)
        if self._timed_detection is not None:
            self._timed_detection.asker.quarantine(plugin)


def _first_flow(capture: str | None) -> int:
    """Return what the numbers of a capture's flows are counted from, in the order in which they begin: the same in each
    replay of the capture, and far from those of others. 0 without a capture: flows get random numbers.
    """
    if capture is None:
        return 0
    return int.from_bytes(blake2b(os.fsencode(capture), digest_size=8).digest()) >> 12


def build_engine(
    config: Config, *, live: bool, sink: Callable[[Event], None] | None = None, pcap_filename: str | None = None
) -> Engine:
    """Load the configuration's plugins and make an engine. Raises ConfigError or PluginError."""
    from ..plugins.loader import load

    return Engine(config, load(config), live=live, sink=sink, pcap_filename=pcap_filename)
