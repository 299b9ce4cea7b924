"""The plugin `hedge`: classifies the payload of flows that no detector recognised, and the rule kind `payload`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from pywall_core.api import (
    API_VERSION,
    MORE,
    NO,
    PENDING,
    YES,
    Answer,
    Facts,
    Flow,
    Matcher,
    Packet,
    RuleKind,
    Scope,
    hookimpl,
)

from .stream import StreamClassifier

if TYPE_CHECKING:
    from pywall_core.api import Engine, RuleRegistry

NAME = "hedge"
FACTS = ("payload_class", "confidence", "entropy", "bytes_seen")


class Settings(BaseModel):
    """Options of the plugin in the YAML."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    method: Literal["learned", "hedge"] = Field("learned", description="the trained model, or the paper's tests alone")
    window: int = Field(
        65536, ge=32, le=1 << 20, description="octets of payload, both directions, after which the answer stands"
    )
    packets: int = Field(
        32, ge=1, le=4096, description="payloads after which the answer stands, if `least` octets came"
    )
    least: int = Field(1024, ge=32, description="octets below which the number of payloads does not settle it")
    gamma: float = Field(
        2.0, ge=0.1, le=2.0, description="method hedge: deviations that chi-square may exceed its mean by"
    )
    alpha: float = Field(0.01, gt=0, lt=0.5, description="method hedge: significance of the SP 800-22 tests")


class _Evidence:
    __slots__ = ("payloads", "stream")

    def __init__(self, options: Settings) -> None:
        self.stream = StreamClassifier(options.method, gamma=options.gamma, alpha=options.alpha)
        self.payloads = 0


class Hedge:
    """Sets the facts `payload_class` (plain, compressed, encrypted, unknown), `confidence` (0 to 1), `entropy` (bits
    a byte, 0 to 8) and `bytes_seen` of flows whose protocol is unknown.
    """

    api_version = API_VERSION
    facts = FACTS
    Options = Settings

    def __init__(self, options: Settings) -> None:
        self.options = options
        self._settled = {"plain": 0, "compressed": 0, "encrypted": 0, "unknown": 0}

    @hookimpl
    def pywall_rules(self, register: RuleRegistry) -> None:
        """Contribute the rule kind `payload`."""
        register(Payload)

    @hookimpl
    def pywall_startup(self, engine: Engine) -> None:
        """Load the weights before the first packet waits for them."""
        from . import warm_up

        warm_up(self.options.method)

    @hookimpl
    def pywall_classify(self, flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
        """Add a payload; Facts when the window is full or the evidence is beyond doubt."""
        if flow.ext is None:
            flow.ext = {}
        found = flow.ext.get(NAME)
        if found is None:
            found = flow.ext[NAME] = _Evidence(self.options)
        found.stream.update(data, to_server)
        found.payloads += 1
        seen, options = found.stream.bytes_seen, self.options
        full = seen >= options.window or (found.payloads >= options.packets and seen >= options.least)
        if not full and not found.stream.settled():
            return MORE
        del flow.ext[NAME]
        return self._facts(found.stream)

    @hookimpl
    def pywall_flow_end(self, flow: Flow, reason: str) -> None:
        """Say of a flow that ended early what its bytes looked like so far."""
        found = flow.ext.pop(NAME, None) if flow.ext else None
        if found is not None:
            flow.facts = {**flow.facts, **self._facts(found.stream)}

    @hookimpl
    def pywall_stats(self) -> dict[str, Any]:
        """How many flows settled to each class."""
        return {"settled": dict(self._settled)}

    def _facts(self, stream: StreamClassifier) -> Facts:
        if stream.bytes_seen < 32:
            label, confidence = "unknown", 0.0
        else:
            result = stream.result()
            label, confidence = result.label, result.confidence
        self._settled[label] += 1
        return Facts(
            payload_class=label,
            confidence=round(confidence, 4),
            entropy=round(stream.entropy, 4),
            bytes_seen=stream.bytes_seen,
        )


class Payload(RuleKind):
    """What the payload of a flow of unknown protocol is: plain, compressed or encrypted.

    PENDING until the classifier has settled. NO for a flow whose protocol was recognised, whatever it carries: what is
    known is for the rule `app` to judge.
    """

    kind: ClassVar[str] = "payload"
    scope: ClassVar[Scope] = "flow"

    is_: Literal["encrypted", "compressed", "plain"] | tuple[Literal["encrypted", "compressed", "plain"], ...] = Field(
        alias="is", description="the class, or a list of classes"
    )
    min_confidence: float = Field(0.0, ge=0, le=1, description="confidence below which the answer is NO")
    min_entropy: float = Field(0.0, ge=0, le=8, description="bits a byte below which the answer is NO")

    def asks(self) -> tuple[str, ...]:
        """The facts that the answer rests on."""
        return ("app_proto", *FACTS)

    def compile(self, engine: Engine) -> Matcher:
        """The answer for a flow."""
        wanted = frozenset((self.is_,) if isinstance(self.is_, str) else self.is_)
        min_confidence, min_entropy = self.min_confidence, self.min_entropy
        state = engine.fact_state

        def match(packet: Packet, flow: Flow) -> Answer:
            facts = flow.facts
            label = facts.get("payload_class")
            if label is None:
                if flow.app_proto is not None and flow.app_proto != "unknown" and not flow.opaque:
                    return NO
                return PENDING if state(flow, "payload_class") is PENDING else NO
            if label not in wanted or facts["confidence"] < min_confidence or facts["entropy"] < min_entropy:
                return NO
            return YES

        return match
