"""Rules compiled: which parts of a condition are asked first, what a walk rests on, and what one look decides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pywall_core.api import NO, YES, Answer, Flow, Host, Matcher, Packet, RuleKind, decode
from pywall_core.chain.compile import Asked, Compiler, in_order, is_pure, waits
from pywall_core.config import AllOf, AnyOf, BoundRule, Condition, Not
from pywall_core.testing import make_flow, udp_packet
from pywall_core.testing.host import FakeHost

PACKET = decode(udp_packet("192.0.2.1", 1000, "192.0.2.2", 53))


class Place(RuleKind):
    """Asks nothing but addresses and ports."""

    kind = "place"

    def compile(self, host: Host) -> Matcher:
        return lambda packet, flow: YES


class Named(Place):
    """Asks a fact."""

    kind = "named"

    def asks(self) -> tuple[str, ...]:
        return ("app_proto",)


class Counting(Named):
    """Asks a fact, about each packet of some flows."""

    kind = "counting"
    scope = "packet"

    def concerns(self, flow: Flow) -> bool:
        return flow.dport == 53


class Remembering(Place):
    """Rests on what other flows did."""

    kind = "remembering"
    state = "host"


class Looking(Place):
    """Decides nothing."""

    kind = "looking"
    decides = False


class OnInterface(Place):
    """Asks an interface."""

    kind = "on-interface"
    needs_interfaces = True


def rule(condition: Condition, action: Any = None, **given: Any) -> BoundRule:
    return BoundRule(condition, action, given.pop("observe", False), "words", "INPUT[0]", "policy.yaml:3", **given)


def compiled(condition: Condition, leaf: Callable[..., Matcher | None] | None = None) -> tuple[Any, Asked]:
    asked = Asked()
    return Compiler(FakeHost(), {"place": "rules"}, asked, leaf).rule(rule(condition), "INPUT"), asked


def kinds(parts: list[Condition]) -> list[str]:
    return [part.kind if isinstance(part, RuleKind) else type(part).__name__ for part in parts]


def test_facts_are_asked_behind_what_answers_at_once() -> None:
    parts = (Named(), Place(), Named(), OnInterface())
    assert kinds(in_order(AllOf(parts))) == ["place", "on-interface", "named", "named"]


@pytest.mark.parametrize("counts", [Counting(), Remembering(), Looking(), Not(Place()), AnyOf((Place(),))])
def test_what_counts_keeps_its_place(counts: Condition) -> None:
    """It must see what the parts before it let through, and nothing else."""
    assert in_order(AllOf((Named(), counts, Place()))) == [Named(), counts, Place()]


@pytest.mark.parametrize(
    ("kind", "pure", "fixed"),
    [
        (Place(), True, True),
        (Named(), True, False),
        (OnInterface(), True, False),
        (Counting(), False, False),
        (Remembering(), False, False),
        (Looking(), False, False),
    ],
)
def test_what_can_be_known_of_an_answer_beforehand(kind: RuleKind, pure: bool, fixed: bool) -> None:
    assert is_pure(kind) is pure
    assert compiled(kind)[0].fixed is fixed
    assert compiled(AllOf((Place(), kind)))[0].fixed is fixed


def test_a_rule_that_only_reports_is_asked_each_time() -> None:
    compiler = Compiler(FakeHost(), {}, Asked(), None)
    assert not compiler.rule(rule(Place(), observe=True), "INPUT").fixed


def test_a_walk_rests_on_the_facts_that_were_really_asked() -> None:
    made, asked = compiled(AllOf((Not(Place()), Named())))
    assert (made.match(PACKET, make_flow(PACKET)), asked.facts) == (NO, set())
    made, asked = compiled(AllOf((Place(), Named())))
    assert (made.match(PACKET, make_flow(PACKET)), asked.facts) == (YES, {"app_proto"})
    assert not asked.packet


def test_a_rule_of_packet_scope_is_asked_where_it_concerns_the_flow() -> None:
    made, asked = compiled(Counting())
    assert made.match(PACKET, make_flow(decode(udp_packet("192.0.2.1", 1000, "192.0.2.2", 80)))) is NO
    assert (asked.packet, asked.facts) == (False, set())
    assert made.match(PACKET, make_flow(PACKET)) is YES
    assert (asked.packet, asked.facts) == (True, {"app_proto"})


def test_a_kind_may_get_another_matcher() -> None:
    def never(packet: Packet, flow: Flow) -> Answer:
        return NO

    made, _ = compiled(Not(Place()), lambda kind, asked: never)
    assert made.match(PACKET, make_flow(PACKET)) is YES


def test_a_rule_is_named_as_in_its_file() -> None:
    made = Compiler(FakeHost(), {"place": "rules"}, Asked(), None).rule(rule(Place(), "more", name="office"), "INPUT")
    assert (made.path, made.where, made.plugin, made.title) == ("INPUT[0]", "policy.yaml:3", "rules", "office")
    assert (made.action, made.target) == (None, "more")


def test_a_chain_waits_where_a_chain_that_it_jumps_to_does() -> None:
    bound = {
        "INPUT": [rule(Place(), "more")],
        "more": [rule(Not(Named()))],
        "OUTPUT": [rule(Place()), rule(Remembering())],
        "FORWARD": [rule(AnyOf((Place(), Counting())))],
    }
    assert {name: waits(bound, name, {}) for name in bound} == {
        "INPUT": True,
        "more": True,
        "OUTPUT": False,
        "FORWARD": True,
    }
    assert not waits(bound, "no-such-chain", {})
