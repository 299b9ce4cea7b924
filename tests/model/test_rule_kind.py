"""A kind of rule is its parameters: what they refuse, and when one rule makes another one superfluous."""

from __future__ import annotations

from typing import ClassVar

import pytest
from pydantic import ValidationError

from pywall_core.model.rule_kind import RuleKind
from pywall_core.testing import make_flow
from pywall_core.testing.host import FakeHost


class Port(RuleKind):
    """Destination port."""

    kind: ClassVar[str] = "port"
    dst: int


class PerPacket(Port):
    """Looks at each packet."""

    scope = "packet"


class Remembers(Port):
    """Remembers hosts."""

    state = "host"


def test_unknown_parameters_are_refused_and_known_ones_do_not_change() -> None:
    with pytest.raises(ValidationError, match="sport"):
        Port(dst=1, sport=2)  # type: ignore[call-arg]
    with pytest.raises(ValidationError, match="frozen"):
        Port(dst=1).dst = 2


def test_a_rule_covers_its_equal_unless_it_counts_or_remembers() -> None:
    assert Port(dst=1).covers(Port(dst=1))
    assert not Port(dst=1).covers(Port(dst=2))
    assert not Port(dst=1).covers(PerPacket(dst=1))
    assert not PerPacket(dst=1).covers(PerPacket(dst=1))
    assert not Remembers(dst=1).covers(Remembers(dst=1))


def test_a_kind_that_says_nothing_asks_nothing() -> None:
    rule = Port(dst=1)
    assert (rule.asks(), rule.protocols(), rule.expects(), rule.sets(), rule.lint({}, None)) == ((),) * 5  # type: ignore[arg-type]
    assert rule.kernel_sets() is None
    assert rule.index(FakeHost()) is None
    assert rule.concerns(make_flow())


def test_a_kind_without_an_answer_cannot_be_compiled() -> None:
    with pytest.raises(NotImplementedError):
        Port(dst=1).compile(FakeHost())
