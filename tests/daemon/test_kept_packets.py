"""Packets that do not pass are kept with their reason; the others are not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pywall_core.api import ACCEPT, DROP, REJECT, Action, Packet, Verdict, decode
from pywall_core.daemon.kept_packets import KeptPackets
from pywall_core.testing import udp_packet

PACKET = decode(udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x"), 1.0, 1)


class Engine:
    """Gives the verdicts that the test wants."""

    def __init__(self, first: Action, again: Action) -> None:
        self._first, self._again = first, again
        self.alerts: Any = None
        self.offloadable = self.helpers = SimpleNamespace()
        self.wants_interfaces = True

    def process(self, packet: Packet) -> Verdict:
        return Verdict(self._first, True, "INPUT[0]", reason="a reason")

    def decide_again(self, packet: Packet, before: Verdict) -> Verdict:
        return Verdict(self._again, True, "INPUT[0]", reason="a reason")

    def keep_alerts(self, keep: Any) -> None:
        self.alerts = keep


@pytest.mark.parametrize(("action", "kept"), [(ACCEPT, 0), (DROP, 1), (REJECT, 1)])
def test_what_does_not_pass_is_kept(action: Action, kept: int) -> None:
    found: list[tuple[bytes, str]] = []
    engine: Any = Engine(action, action)
    packets = KeptPackets(engine, lambda *packet: found.append(packet))
    assert packets.process(PACKET).action is action
    assert len(found) == kept
    packets.decide_again(PACKET, Verdict(ACCEPT))
    assert len(found) == 2 * kept
    assert all(data == PACKET.data and "a reason" in comment for data, comment in found)


def test_alerts_are_kept_by_the_engine_itself() -> None:
    engine: Any = Engine(ACCEPT, ACCEPT)
    found: list[tuple[bytes, str]] = []
    KeptPackets(engine, lambda *packet: found.append(packet))
    engine.alerts(b"data", "why")
    assert found == [(b"data", "why")]
