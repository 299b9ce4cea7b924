"""The engine: packet in, verdict out. It does not know where packets come from; its clock is ``packet.time``.

It builds the parts, keeps the clock, and is the :class:`~pywall_core.model.host.Host` of the plugins. A packet's way is
in :mod:`pywall_core.engine.pipeline`. Nothing that a packet or a plugin does raises.

Longer than 300 lines: it is the one place where all parts meet; two thirds of it build them.
"""

from __future__ import annotations

import logging
import sys
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

from ..calls.guard import Calls, Guard
from ..calls.quarantine import Failures
from ..chain.rule import Rule
from ..chain.walk import Chains
from ..config import leaves
from ..config.sets import build_sets
from ..detection.classifiers import Classifier
from ..detection.detection import Detection
from ..detection.detectors import Detectors
from ..events.emitter import Reporter
from ..events.eve import EventBuilder
from ..events.fields import Event
from ..flows.expectations import GROUP_ANSWER, Announcement, Expectations
from ..flows.table import FlowTable
from ..model.flow import Flow
from ..model.helper import Helper
from ..model.packet import Packet
from ..model.verdict import Action, Answer, Verdict
from ..packet.fragments import Fragments
from .continuation import Continuation
from .counters import Decision, VerdictCounter, losses
from .failure_policy import FailurePolicy
from .flow_life import FlowLife, first_flow
from .helpers import Helpers
from .hooks import PacketHooks, Walk
from .kept_state import KeptState
from .offload import Offload
from .pipeline import Pipeline
from .sampled_pipeline import SampledPipeline
from .set_changes import SetChanges
from .sharing import Sharing
from .shortcuts import why_bare_acks_are_queued
from .stats import engine_stats
from .timing import Timing

if TYPE_CHECKING:
    from ..config import Config
    from ..plugins.registry import Plugins

TICK_SECONDS: Final = 1.0
#: entries of the flow table that are looked at in one go, live: some 1 ms, and seconds until the others' turn
LOOKS_AT_ONCE: Final = 256
PIECE_SECONDS: Final = 0.01


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
        self.packets = self.bytes = 0
        self.counters: Counter[str] = Counter()
        self._verdicts = VerdictCounter()
        #: number of the worker process, from 0
        self.worker = 0
        #: in a replay: number of the frame at work, from 1, over all captures of this engine
        self.frame = 0
        #: the clock is at work, or the end, and not a packet
        self.ticking = self.closing = False
        #: further parts of :meth:`stats` by name, from those who run the engine
        self.reports: dict[str, Callable[[], dict[str, Any]]] = {}
        self.timing = Timing()
        self._next_tick = self._next_second = 0.0
        self._tick_hooks = plugins.calls("tick")
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
        self.helpers = Helpers(self._guard, self.flows.of, self.fact_state)
        self.sharing = Sharing(self._guard)
        self.kept_state = KeptState(self._guard)
        self.keep("core.expectations", self.expectations.save, self.expectations.load)
        self.fragments = Fragments()

        #: go on looking at a flow whose verdict is final, so that it gets its name
        self._look_on = config.detection.all if config.detection.all is not None else not live
        self._policy = FailurePolicy(config)
        self._compile_rules()
        self.continuation = self._make_continuation()
        self._life = self._make_life(first_flow(pcap_filename))
        self._make_pipelines(tracer, detectors, classifiers)
        self._guard.call_all(plugins.calls("startup"), self)
        if live and not plugins.needs_class_at_end():
            self._life.limit_classes()

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
            return self._pipeline.process(packet)
        finally:
            self._guard.busy = False

    def decide_again(self, packet: Packet, before: Verdict) -> Verdict:
        """Return the verdict on a packet that has had one, by what is known now."""
        flow = self.flows.of(packet)
        if flow is None:
            return before
        self._guard.busy = True
        try:
            verdict = self._pipeline.decide_again(packet, flow)
        finally:
            self._guard.busy = False
        self._verdicts.move(before, verdict)
        return verdict

    def assume_older(self, keys: frozenset[bytes]) -> None:
        """Take the keys of the connections that were open when the firewall started. Without them any may have been."""
        self._pipeline.assume_older(keys)

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
            self._life.tick()
            self._events.tick()
        over = self.flows.sweep(now, LOOKS_AT_ONCE if self.live else sys.maxsize)
        self._next_tick = self._next_second if over else min(now + PIECE_SECONDS, self._next_second)
        if whole:
            self.expectations.sweep(now)
            self.set_changes.sweep(now)
            self._guard.call_all(self._tick_hooks, now)
        self.ticking = False

    def begin_capture(self, path: str) -> None:
        """Name the capture that the next packets come from, after an earlier one whose flows go on."""
        self._events.builder.pcap_filename = path

    def close(self) -> None:
        """No more packets: end all flows, tell the plugins."""
        self.closing = True
        self.flows.clear("shutdown")
        self._guard.call_all(self.plugins.calls("shutdown"))

    # --- what plugins and commands may call -----------------------------------------------------------------------

    def keep(self, name: str, save: Callable[[], Any], load: Callable[[Any], None]) -> None:
        """See :meth:`pywall_core.model.host.Host.keep`."""
        self.kept_state.add(name, save, load)

    def share(self, name: str, received: Callable[[list[Any]], None]) -> Callable[[list[Any]], None] | None:
        """See :meth:`pywall_core.model.host.Host.share`."""
        self.sharing.register(name, received)
        return partial(self.sharing.tell, name) if self.live and self.config.queue.workers > 1 else None

    def helper(self, name: str, answered: Callable[[dict[str, Any]], None]) -> Helper:
        """See :meth:`pywall_core.model.host.Host.helper`."""
        return self.helpers.add(name, answered)

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

    def _compile_rules(self) -> None:
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
        expected = {label for kind in kinds for label in kind.expects()}
        self.expectations.groups = GROUP_ANSWER in expected
        self._announcers = plugins.detectors.announcers(expected)
        self._asked_facts = {name for kind in kinds for name in kind.asks()}
        self.detection.ask_for(self.chains.asked_names(), self._asked_facts, look_on=self._look_on)
        self.helpers.wait_for(plugins.awaited_facts(), self._asked_facts.intersection(self.detection.states.given))

    def _make_continuation(self) -> Continuation:
        calls = self.plugins.calls
        return Continuation(
            self.flows,
            self.detection,
            self._guard,
            self._policy,
            calls("flow_state"),
            calls("flow_resume"),
            asks_facts=bool(self._asked_facts),
        )

    def _make_life(self, first: int) -> FlowLife:
        calls = self.plugins.calls
        return FlowLife(
            self,
            self.detection,
            self.expectations,
            self.continuation,
            self._events,
            self._guard,
            self.counters,
            calls("flow_start"),
            calls("flow_end"),
            first=first,
        )

    def _make_offload(self) -> Offload:
        return Offload(
            self.flows.of,
            self.chains,
            self._guard,
            self._on_release(),
            look_on=self._look_on,
            observe=self.config.mode == "observe",
            announcers=self._announcers,
        )

    def _on_release(self) -> Calls:
        ends: Calls = (("core", self._life.end_transactions),)
        return (*ends, ("core", self.flows.carry), *self.plugins.calls("flow_released")) if self.live else ends

    def _make_pipelines(self, tracer: Tracer | None, detectors: Detectors, classifiers: list[Classifier]) -> None:
        """Make the way of a packet, live a second time under a clock."""
        walk = self.chains.walk if tracer is None else tracer.watch_walks(self)
        calls, timing = self.plugins.calls, self.timing
        self._offload = self._make_offload()
        #: In how many directions of the connection the kernel may carry a verdict, by packet and verdict: 0, 1 or 2.
        self.offloadable: Callable[[Packet, Verdict], int] = self._offload.directions
        hooks = PacketHooks(self._guard, calls("packet"), calls("decided"), calls("segment"), walk)
        plain, timed = self._make_pipeline(hooks, self.detection), None
        self._timed_detection: Detection | None = None
        if self.live:
            detection = self._make_detection(timing.detectors(detectors), timing.classifiers(classifiers))
            detection.ask_for(self.chains.asked_names(), self._asked_facts, look_on=self._look_on)
            self._timed_detection = detection
            timed = self._make_pipeline(hooks.timed(timing), detection)
        self._pipeline = SampledPipeline(plain, timed, timing)

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
            policy=self._policy,
            events=self._events,
            counters=self.counters,
            verdicts=self._verdicts,
            on_new_flow=self._life.begin,
        )

    def _end_flow(self, flow: Flow, reason: str) -> None:
        self._life.end(flow, reason)

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


def build_engine(
    config: Config, *, live: bool, sink: Callable[[Event], None] | None = None, pcap_filename: str | None = None
) -> Engine:
    """Load the configuration's plugins and make an engine. Raises ConfigError or PluginError."""
    from ..plugins.loader import load

    return Engine(config, load(config), live=live, sink=sink, pcap_filename=pcap_filename)
