"""``app``: the application protocol, by content."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field, WithJsonSchema

from pywall_core.api import NO, PENDING, YES, Answer, Flow, Matcher, Packet, RuleKind

from .lists import one_or_more, text

if TYPE_CHECKING:
    from pywall_core.api import Host


def _names(value: Any) -> tuple[str, ...]:
    return tuple(text(entry) for entry in one_or_more(list(value) if isinstance(value, tuple) else value))


_SCHEMA = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


class App(RuleKind):
    """Matches flows that detectors recognised, wherever they run: ports are not asked. ``unknown`` is a flow in which
    nothing was recognised, ``none`` one without payload. Where one protocol hands over to another (STARTTLS, a proxy),
    the name is the inner one's. While recognition goes on, the answer is pending: see "the verdict chain"."""

    kind: ClassVar[str] = "app"
    scope: ClassVar = "flow"

    names: Annotated[tuple[str, ...], BeforeValidator(_names), WithJsonSchema(_SCHEMA)] = Field(
        alias="is", description="a protocol name (tls, ssh, http, ...), unknown, none, or a list"
    )

    def asks(self) -> tuple[str, ...]:
        return ("app_proto",)

    def protocols(self) -> tuple[str, ...]:
        return self.names

    def compile(self, host: Host) -> Matcher:
        names = frozenset(self.names)

        def match(packet: Packet, flow: Flow) -> Answer:
            app_proto = flow.app_proto
            if app_proto is None:
                return PENDING
            return YES if app_proto in names else NO

        return match
