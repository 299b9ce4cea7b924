"""The rule kind `payload`. Apart from the plugin, as rule kinds are pydantic models."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from pywall_core.api import NO, PENDING, YES, Answer, Flow, Matcher, Packet, RuleIndex, RuleKind, Scope

from .names import FACTS, NAME

if TYPE_CHECKING:
    from pywall_core.api import Host


Class = Literal["encrypted", "compressed", "plain", "obfuscated"]


class Payload(RuleKind):
    """What the payload of a flow is whose protocol is unknown or only guessed: plain, compressed, encrypted,
    or obfuscated by a short XOR key.

    PENDING until the classifier has settled, and while detectors may still confirm a name. NO for a flow whose name is
    confirmed, whatever it carries: a known name is a matter of the rule `app`. A guess is not a name: to let a
    protocol pass that is ciphertext by nature and cannot be confirmed, accept it by name before this rule
    (`{rule: app, is: zoom, action: ACCEPT}`).
    """

    kind: ClassVar[str] = "payload"
    scope: ClassVar[Scope] = "flow"

    is_: Class | tuple[Class, ...] = Field(alias="is", description="the class, or a list of classes")
    min_confidence: float = Field(0.0, ge=0, le=1, description="confidence below which the answer is NO")
    peer: bool = Field(
        False,
        description="true: what earlier flows from the same address to the same service looked like counts as well",
    )
    min_entropy: float = Field(0.0, ge=0, le=8, description="bits a byte below which the answer is NO")

    def asks(self) -> tuple[str, ...]:
        """Return the facts that the answer rests on."""
        return ("app_proto", *FACTS)

    def index(self, host: Host) -> RuleIndex:
        """Return the classes as keys."""
        state = host.fact_state

        def look(packet: Packet, flow: Flow) -> tuple[object, ...] | None:
            label = flow.facts.get("payload.class")
            if flow.confirmed and not flow.opaque:
                return ()
            if label is None:
                return None if state(flow, "payload.class") is PENDING else ()
            return (label,) if isinstance(label, str) else ()

        return RuleIndex("payload", look, keys=(self.is_,) if isinstance(self.is_, str) else self.is_)

    def compile(self, host: Host) -> Matcher:
        """Return the answer for a flow."""
        wanted = frozenset((self.is_,) if isinstance(self.is_, str) else self.is_)
        min_confidence, min_entropy = self.min_confidence, self.min_entropy
        state = host.fact_state
        if self.peer:
            _remember_peers(host)

        def match(packet: Packet, flow: Flow) -> Answer:
            if flow.confirmed and not flow.opaque:
                return NO
            facts = flow.facts
            label = facts.get("payload.class")
            if label is None:
                return PENDING if state(flow, "payload.class") is PENDING else NO
            if not isinstance(label, str) or label not in wanted:
                return NO
            confident = _at_least(facts.get("payload.confidence"), min_confidence)
            return YES if confident and _at_least(facts.get("payload.entropy"), min_entropy) else NO

        return match


def _at_least(value: object, least: float) -> bool:
    return least <= 0 or (isinstance(value, (int, float)) and value >= least)


def _remember_peers(host: Host) -> None:
    """Tell the plugin that its memory of peers is asked."""
    for name, call in host.plugins.calls("classify"):
        remember = getattr(getattr(call, "__self__", None), "remember_peers", None)
        if name == NAME and remember is not None:
            remember(host)
