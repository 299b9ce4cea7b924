"""The plugin `hedge`: classifies payloads of flows that no detector matched; brings the rule kind `payload`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pywall_core.api import API_VERSION, MORE, TCP, Answer, Facts, Flow, hookimpl

from .classification import SHORTEST
from .names import FACTS, NAME
from .peers import Peers
from .stream import StreamClassifier
from .wald import logit

if TYPE_CHECKING:
    from pywall_core.api import Host, RuleRegistry

    from .options import Settings


def evidence(flow: Flow) -> StreamClassifier | None:
    """Return what is known of the payload of a flow that has not settled, or None.

    `odds` are the log-odds (nats) of "encrypted" so far, `own_odds` those of the flow's own bytes; `prior` may be set
    at any time (log-odds that are known before the first byte, as of a peer).
    """
    return flow.ext.get(NAME) if flow.ext else None


def begin(flow: Flow, options: Settings) -> StreamClassifier:
    """Return the evidence of a flow, made and kept with the flow when there is none yet."""
    if flow.ext is None:
        flow.ext = {}
    found: StreamClassifier | None = flow.ext.get(NAME)
    if found is None:
        found = flow.ext[NAME] = StreamClassifier(
            options.method,
            gamma=options.gamma,
            alpha=options.alpha,
            prior=logit(options.prior),
            start_seen=not flow.midstream,
            stream=flow.proto == TCP,
            false_drop=options.false_drop,
            miss=options.miss,
        )
    return found


class _LaterOptions:
    """`Hedge.Options`, imported when a configuration is checked: see `pywall_hedge.options`."""

    def __get__(self, plugin: object, kind: type) -> type[Settings]:
        from .options import Settings

        return Settings


class Hedge:
    """Sets facts of a flow when its test settles, or when it ends: `payload.class` (plain, compressed, encrypted,
    obfuscated, unknown), `payload.confidence` (probability of the class, 0 to 1), `payload.entropy` (bits a byte, 0 to
    8) and `payload.bytes_seen`; `payload.odds` (log-odds of "encrypted", nats), `payload.because` (the structure or the
    encoding that was found, "" without) and `payload.peer` (nats of the odds that come from earlier flows to the same
    service).
    """

    api_version = API_VERSION
    facts = FACTS
    Options = _LaterOptions()

    def __init__(self, options: Settings) -> None:
        self.options = options
        #: memory of peers; None unless some rule says `peer: true`
        self.peers: Peers | None = None
        self._settled = {"plain": 0, "compressed": 0, "encrypted": 0, "obfuscated": 0, "unknown": 0}

    @property
    def needs_class_at_end(self) -> bool:
        """Each flow of a peer counts, also one that ended early."""
        return self.peers is not None

    def remember_peers(self, host: Host) -> None:
        """Have what flows of a peer looked like remembered: a rule asks for it."""
        if self.peers is None:
            self.peers = peers = Peers()
            host.keep("hedge.peers", peers.save, peers.load)

    @hookimpl
    def pywall_rules(self, register: RuleRegistry) -> None:
        """Contribute the rule kind `payload`."""
        from .rule import Payload

        register(Payload)

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        """Load the weights before the first packet waits for them. No packet of a capture waits, and many need none."""
        if engine.live:
            from . import warm_up

            warm_up(self.options.method)

    @hookimpl
    def pywall_classify(self, flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
        """Add a payload. Facts when the test says "encrypted", or when the window is spent; else MORE: what looks plain
        may turn.
        """
        stream = evidence(flow)
        if stream is None:
            stream = begin(flow, self.options)
            if self.peers is not None:
                stream.prior += self.peers.recall(flow, stream.thresholds.upper)
        stream.update(data, to_server)
        if self.peers is not None:
            upper, before = stream.thresholds.upper, stream.remembered
            stream.remembered = self.peers.learn(flow, stream.own_odds, upper, before)
        settled = stream.settled()
        if not settled and stream.bytes_seen < self.options.window:
            return MORE
        assert flow.ext is not None
        del flow.ext[NAME]
        facts = self._facts(stream)
        if not settled and facts["payload.class"] == "encrypted":
            facts["payload.class"] = "unknown"  # a window spent is no proof: rules drop what the test has decided
        return facts

    @hookimpl
    def pywall_flow_released(self, flow: Flow) -> None:
        """A confirmed name speaks for the peer as soon as the flow needs no more looking at."""
        if self.peers is not None and flow.confirmed and not flow.opaque:
            self.peers.clear(flow)

    @hookimpl
    def pywall_flow_end(self, flow: Flow, reason: str) -> None:
        """Say of a flow that ended early what its bytes looked like so far."""
        found = flow.ext.pop(NAME, None) if flow.ext else None
        if found is not None:
            for name, value in self._facts(found).items():
                flow.set_fact(name, value)
            if self.peers is not None:  # the facts asked for the last bytes too
                self.peers.learn(flow, found.own_odds, found.thresholds.upper, found.remembered)
        elif self.peers is not None and flow.confirmed and not flow.opaque:
            self.peers.clear(flow)

    @hookimpl
    def pywall_facts_so_far(self, flow: Flow) -> Facts | None:
        """What the bytes seen so far look like."""
        stream = evidence(flow)
        return None if stream is None else self._describe(stream)

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        """How many flows settled to each class."""
        return {"settled": dict(self._settled), "peers": 0 if self.peers is None else len(self.peers)}

    def _facts(self, stream: StreamClassifier) -> Facts:
        facts = self._describe(stream)
        self._settled[facts["payload.class"]] += 1
        return facts

    def _describe(self, stream: StreamClassifier) -> Facts:
        label, confidence, because = "unknown", 0.0, ""
        if stream.bytes_seen >= SHORTEST:
            result = stream.result()
            label, confidence, because = result.label, result.confidence, result.because
        return Facts(
            {
                "payload.class": label,
                "payload.confidence": round(confidence, 4),
                "payload.entropy": round(stream.entropy, 4),
                "payload.bytes_seen": stream.bytes_seen,
                "payload.odds": round(stream.odds, 2),
                "payload.because": because,
                "payload.peer": round(stream.prior - logit(self.options.prior), 2),
            }
        )
