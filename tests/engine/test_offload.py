"""When the kernel may carry a flow."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import ACCEPT, DROP, Packet, Verdict, decode, hookimpl
from pywall_core.testing import engine, udp_packet

A, B = "192.0.2.1", "192.0.2.2"


class AlwaysKind:
    """Brings a rule that matches everything."""

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        from pywall_core.api import YES, Matcher, RuleKind

        class Everything(RuleKind):
            """All packets."""

            kind = "everything"

            def compile(self, host: Any) -> Matcher:
                return lambda packet, flow: YES

        register(Everything)


class Watching(AlwaysKind):
    """Wants to see every packet."""

    @hookimpl
    def pywall_flow_start(self, flow: Any) -> None:
        flow.watched = True


class Told(AlwaysKind):
    """Writes down the flows that it is told to let go of."""

    def __init__(self) -> None:
        self.released: list[int] = []

    @hookimpl
    def pywall_flow_released(self, flow: Any) -> None:
        self.released.append(flow.id)


def there(data: bytes = b"x") -> Packet:
    return decode(udp_packet(A, 1000, B, 53, data), 1.0, 1)


def policy(**chains: str) -> dict[str, Any]:
    return {
        "version": 1,
        "chains": {name: [{"rule": "everything", "action": action}] for name, action in chains.items()},
    }


@pytest.mark.parametrize(
    ("chains", "directions"),
    [
        ({"INPUT": "ACCEPT", "OUTPUT": "ACCEPT"}, 2),
        ({"INPUT": "ACCEPT", "OUTPUT": "DROP"}, 1),
        ({"INPUT": "DROP", "OUTPUT": "ACCEPT"}, 1),
    ],
)
def test_directions_that_are_decided_are_handed_over(chains: dict[str, str], directions: int) -> None:
    lab = engine(policy(**chains), plugins={"it": AlwaysKind()}, live=True)
    packet = there()
    verdict = lab.engine.process(packet)
    assert int(lab.engine.offloadable(packet, verdict)) == directions


def test_a_watched_flow_stays() -> None:
    for action in ("ACCEPT", "DROP"):
        lab = engine(policy(INPUT=action, OUTPUT="ACCEPT"), plugins={"it": Watching()}, live=True)
        packet = there()
        assert not lab.engine.offloadable(packet, lab.engine.process(packet))


def test_what_is_not_final_stays() -> None:
    lab = engine(policy(INPUT="ACCEPT"), plugins={"it": AlwaysKind()}, live=True)
    packet = there()
    lab.engine.process(packet)
    assert lab.engine.offloadable(packet, Verdict(ACCEPT)) == 0
    assert lab.engine.offloadable(packet, Verdict(DROP)) == 0


def test_plugins_are_told_once_that_they_may_let_go() -> None:
    told = Told()
    lab = engine(policy(INPUT="ACCEPT", OUTPUT="ACCEPT"), plugins={"it": told}, live=True)
    for _ in range(3):
        packet = there()
        lab.engine.offloadable(packet, lab.engine.process(packet))
    assert told.released == [lab.flows[0].id]
