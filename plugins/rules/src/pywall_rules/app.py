"""``app``: the application protocol, by content."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from pydantic import Field

from pywall_core.api import Flow, Matcher, Packet, RuleIndex, RuleKind

from .matching import match_names
from .one_or_many import OneOrMany, Word

if TYPE_CHECKING:
    from pywall_core.api import Host


class App(RuleKind):
    """Matches flows that detectors matched, wherever they run: ports are not asked. ``unknown`` is a flow in which
    nothing was detected, ``none`` one without payload. Where one protocol hands over to another (STARTTLS, a proxy),
    the name is the inner one's. While a detector that may give one of the names is still open, the answer is
    pending: see "the verdict chain".

    An opening alone makes a name; ``confirmed: true`` asks for proof, usually the other side's answer. It is pending
    until the name is proved, and NO for good when a side's budget is spent without proof or its bytes contradict the
    opening. Where only one direction of the traffic is seen, nothing can be proved."""

    kind: ClassVar[str] = "app"
    scope: ClassVar = "flow"

    names: OneOrMany[Word] = Field(
        alias="is",
        description="a protocol name (tls, ssh, http, ...), unknown, none, or a list",
        json_schema_extra={"x-pywall": "protocol"},
    )

    confirmed: bool = Field(False, description="true: only a name that was proved; false: an opening is enough")

    def asks(self) -> tuple[str, ...]:
        return ("app_proto",)

    def protocols(self) -> tuple[str, ...]:
        return self.names

    def covers(self, other: RuleKind) -> bool:
        return (
            isinstance(other, App)
            and self.model_copy(update={"names": other.names}) == other
            and (set(self.names) >= set(other.names))
        )

    def index(self, host: Host) -> RuleIndex:
        possible = host.possible_names

        def look(packet: Packet, flow: Flow) -> Sequence[str]:
            return RuleIndex.pending(possible(flow)) if flow.app_proto is None else (flow.app_proto,)

        return RuleIndex("app", look, keys=self.names)

    def compile(self, host: Host) -> Matcher:
        return match_names(frozenset(self.names), self.confirmed, host.possible_names, host.may_be_confirmed)
