"""The plugin `hedge`: classifies payloads of flows that no detector recognised; brings the rule kind `payload`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pywall_core.api import API_VERSION, MORE, Answer, Facts, Flow, hookimpl

from .classification import SHORTEST
from .stream import StreamClassifier
from .wald import logit

if TYPE_CHECKING:
    from pywall_core.api import Host, RuleRegistry

    from .options import Settings

NAME = "hedge"
FACTS = ("payload_class", "confidence", "entropy", "bytes_seen", "payload.odds", "payload.because")


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
    """Sets facts of a flow when its test settles, or when it ends: `payload_class` (plain, compressed, encrypted,
    obfuscated, unknown), `confidence` (probability of the class, 0 to 1), `entropy` (bits a byte, 0 to 8) and
    `bytes_seen`; `payload.odds` (log-odds of "encrypted", nats) and `payload.because` (the structure or the encoding
    that was found, "" without).
    """

    api_version = API_VERSION
    facts = FACTS
    Options = _LaterOptions()

    def __init__(self, options: Settings) -> None:
        self.options = options
        self._settled = {"plain": 0, "compressed": 0, "encrypted": 0, "obfuscated": 0, "unknown": 0}

    @hookimpl
    def pywall_rules(self, register: RuleRegistry) -> None:
        """Contribute the rule kind `payload`."""
        from .rule import Payload

        register(Payload)

    @hookimpl
    def pywall_startup(self, engine: Host) -> None:
        """Load the weights before the first packet waits for them."""
        from . import warm_up

        warm_up(self.options.method)

    @hookimpl
    def pywall_classify(self, flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
        """Add a payload. Facts when the test says "encrypted", or when the window is spent; else MORE: what looks plain
        may turn.
        """
        stream = begin(flow, self.options)
        stream.update(data, to_server)
        if not stream.settled() and stream.bytes_seen < self.options.window:
            return MORE
        assert flow.ext is not None
        del flow.ext[NAME]
        return self._facts(stream)

    @hookimpl
    def pywall_flow_end(self, flow: Flow, reason: str) -> None:
        """Say of a flow that ended early what its bytes looked like so far."""
        found = flow.ext.pop(NAME, None) if flow.ext else None
        if found is not None:
            flow.facts = {**flow.facts, **self._facts(found)}

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        """How many flows settled to each class."""
        return {"settled": dict(self._settled)}

    def _facts(self, stream: StreamClassifier) -> Facts:
        label, confidence, because = "unknown", 0.0, ""
        if stream.bytes_seen >= SHORTEST:
            result = stream.result()
            label, confidence, because = result.label, result.confidence, result.because
        self._settled[label] += 1
        return Facts(
            {
                "payload_class": label,
                "confidence": round(confidence, 4),
                "entropy": round(stream.entropy, 4),
                "bytes_seen": stream.bytes_seen,
                "payload.odds": round(stream.odds, 2),
                "payload.because": because,
            }
        )
