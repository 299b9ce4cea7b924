"""The contract passes an honest rule kind and finds each kind of dishonest one."""

from __future__ import annotations

from typing import Any, ClassVar

import pytest
from pydantic import Field

from pywall_core.api import NO, PENDING, YES, Flow, Matcher, Packet, RuleKind
from pywall_core.testing import rule_contract


class Door(RuleKind):
    """Packets to one port."""

    kind = "door"
    number: int = Field(description="port, 0 to 65535", ge=0, le=65535)

    def compile(self, host: Any) -> Matcher:
        number = self.number
        return lambda packet, flow: YES if packet.dport == number else NO


class Named(RuleKind):
    """Flows of one protocol."""

    kind = "named"
    scope = "flow"
    name: str = Field(description="protocol")

    def asks(self) -> tuple[str, ...]:
        return ("app_proto",)

    def compile(self, host: Any) -> Matcher:
        def match(packet: Packet, flow: Flow) -> Any:
            if host.fact_state(flow, "app_proto") is PENDING:
                return PENDING
            return YES if flow.app_proto == self.name else NO

        return match


TestDoor = rule_contract(Door, [{"number": 22}, {"number": 0}])
TestNamed = rule_contract(Named, [{"name": "tls"}])


class Undescribed(RuleKind):
    """Has a field without a description."""

    kind = "undescribed"
    number: int = 0


class Lax(Door):
    """Takes what it does not know."""

    kind = "lax"
    model_config: ClassVar[Any] = {"extra": "ignore"}


class Raises(Door):
    """Believes in lengths."""

    kind = "raises"

    def compile(self, host: Any) -> Matcher:
        return lambda packet, flow: YES if packet.data[self.number] else NO


class OutOfScope(Door):
    """Says that it answers for a whole flow, and looks at the sequence number."""

    kind = "out-of-scope"
    scope = "flow"

    def compile(self, host: Any) -> Matcher:
        return lambda packet, flow: YES if packet.seq % 2 else NO


class NeverSettles(Door):
    """Waits for ever."""

    kind = "never-settles"

    def compile(self, host: Any) -> Matcher:
        return lambda packet, flow: PENDING


@pytest.mark.usefixtures("without_shrinking")
@pytest.mark.parametrize(
    ("kind", "broken"),
    [
        (Undescribed, "test_is_described"),
        (Lax, "test_unknown_parameters_are_refused"),
        (Raises, "test_answers_every_packet"),
        (OutOfScope, "test_answer_keeps_its_scope"),
        (NeverSettles, "test_settled_facts_leave_nothing_pending"),
    ],
)
def test_contract_finds_the_fault(kind: type[RuleKind], broken: str) -> None:
    suite = rule_contract(kind, [{"number": 39}], examples=400)()
    with pytest.raises((AssertionError, IndexError)):
        getattr(suite, broken)()
