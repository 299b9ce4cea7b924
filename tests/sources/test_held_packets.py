"""A packet is held while a helper process may say something of its flow, in order, for a time, and within bounds."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.model.packet import Packet
from pywall_core.model.verdict import ACCEPT, DROP, Verdict
from pywall_core.packet.decode import decode
from pywall_core.sources import held_packets
from pywall_core.sources.held_packets import LONGEST, PAUSE, HeldPackets
from pywall_core.testing import udp_packet

BEFORE, AFTER, DENIED = Verdict(ACCEPT), Verdict(DROP), Verdict(DROP, reason="queue")


class Decider:
    """Holds packets whose ``id`` is in ``open``."""

    def __init__(self) -> None:
        self.open: set[int] = set()
        self.reads = 0
        self.fails = False
        self.helpers = self
        self.may_hold = True

    def descriptors(self) -> tuple[int, ...]:
        return ()

    def holds(self, packet: Packet, verdict: Verdict) -> bool:
        return packet.sport in self.open

    def decide_again(self, packet: Packet, before: Verdict) -> Verdict:
        if self.fails:
            raise RuntimeError("a mistake of ours")
        return AFTER

    def read(self) -> None:
        self.reads += 1


class Queued:
    """The binding's packet."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.retained = False

    def retain(self) -> None:
        self.retained = True


class Lab:
    def __init__(self) -> None:
        self.decider = Decider()
        self.given: list[tuple[int, Verdict]] = []
        self.held = HeldPackets(self.decider, self._apply, DENIED)

    def _apply(self, queued: Any, number: int, mark: int, packet: Packet, verdict: Verdict, now: float) -> None:
        self.given.append((number, verdict))

    def take(self, number: int, now: float = 0.0) -> tuple[Verdict | None, Queued]:
        queued = Queued(number)
        packet = decode(udp_packet("192.0.2.1", number, "192.0.2.2", 53), now)
        return self.held.take(queued, number, 0, packet, BEFORE, now), queued


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_a_packet_that_waits_for_nothing_gets_its_verdict_at_once(lab: Lab) -> None:
    verdict, queued = lab.take(1)
    assert verdict is BEFORE
    assert not queued.retained
    assert not lab.held


def test_packets_are_released_in_order_when_all_is_known(lab: Lab) -> None:
    lab.decider.open = {1, 2, 3}
    for number in (1, 2, 3):
        verdict, queued = lab.take(number)
        assert verdict is None
        assert queued.retained, "the binding must not answer for it"
    lab.decider.open = {2}
    lab.held.release(1.0)
    assert lab.given == [(1, AFTER), (3, AFTER)]
    lab.decider.open = set()
    lab.held.release(2.0)
    assert lab.given == [(1, AFTER), (3, AFTER), (2, AFTER)]
    assert not lab.held


def test_what_helpers_have_said_is_read_before_it_is_asked_for(lab: Lab) -> None:
    lab.decider.open = {1}
    lab.take(1)
    lab.held.release(5.0)
    assert lab.decider.reads == 1
    assert lab.held.due == 5.0 + PAUSE


def test_a_packet_is_not_held_for_ever(lab: Lab) -> None:
    lab.decider.open = {1}
    lab.take(1, now=100.0)
    lab.held.release(100.0 + LONGEST - 0.001)
    assert lab.given == []
    lab.held.release(100.0 + LONGEST)
    assert lab.given == [(1, AFTER)]


def test_a_packet_without_room_is_denied(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_packets, "MOST", 2)
    lab.decider.open = {1, 2, 3}
    assert [lab.take(number)[0] for number in (1, 2, 3)] == [None, None, DENIED]


def test_an_error_gives_the_verdict_that_there_was(lab: Lab) -> None:
    lab.decider.open = {1}
    lab.take(1)
    lab.decider.open, lab.decider.fails = set(), True
    lab.held.release(1.0)
    assert lab.given == [(1, BEFORE)]
