"""``flow``: who started it, and whether another flow announced it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pywall_core.api import NO, YES, Answer, Flow, Matcher, Packet, RuleKind

from .lists import one_or_more, text

if TYPE_CHECKING:
    from pywall_core.api import Host


def _labels(value: object) -> tuple[str, ...]:
    return tuple(text(entry) for entry in one_or_more(list(value) if isinstance(value, tuple) else value))


_LABELS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


class FlowStart(RuleKind):
    """Matches all packets of a flow by what is known at its first: ``initiator: local`` is the rule for replies, "what
    this host began may be answered", for TCP, UDP and everything else alike; ``expected: ftp-data`` is the rule for
    connections that an FTP session has agreed on. Where both are given, both must hold."""

    kind: ClassVar[str] = "flow"
    scope: ClassVar = "flow"

    initiator: Literal["local", "remote"] | None = Field(
        default=None, description="the side that sent the first packet"
    )
    expected: Annotated[tuple[str, ...] | None, BeforeValidator(_labels), WithJsonSchema(_LABELS)] = Field(
        default=None, description="what a confirmed flow of the same two hosts announced it as, or a list"
    )

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if self.initiator is None and self.expected is None:
            raise ValueError("one of 'initiator' and 'expected' is needed")
        return self

    def compile(self, host: Host) -> Matcher:
        initiator, expected = self.initiator, self.expected

        def match(packet: Packet, flow: Flow) -> Answer:
            if initiator is not None and flow.initiator != initiator:
                return NO
            return YES if expected is None or flow.expected in expected else NO

        return match
