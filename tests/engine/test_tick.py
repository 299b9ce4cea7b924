"""The engine's clock: live, flows that end are freed in pieces, and what happens once a second still does."""

from __future__ import annotations

import pytest

from pywall_core.api import decode, hookimpl
from pywall_core.config import Config
from pywall_core.engine.engine import LOOKS_AT_ONCE, PIECE_SECONDS, TICK_SECONDS, Engine
from pywall_core.plugins.loader import assemble
from pywall_core.testing import udp_packet

A, B = "192.0.2.1", "192.0.2.2"
FLOWS = 2 * LOOKS_AT_ONCE + 1


class Ticks:
    """Counts its ticks."""

    def __init__(self) -> None:
        self.at: list[float] = []

    @hookimpl
    def pywall_tick(self, now: float) -> None:
        self.at.append(now)


def full(live: bool) -> tuple[Engine, Ticks]:
    """An engine with flows that all end in one second."""
    ticks = Ticks()
    config = Config.model_validate({"version": 1})
    one = Engine(config, assemble(config, [("ticks", ticks)]), live=live)
    for port in range(1, FLOWS + 1):
        one.process(decode(udp_packet(A, port, B, 5000, b"x"), 1.0, 1))
    return one, ticks


@pytest.mark.parametrize("packets", [True, False])
def test_live_the_flows_of_one_second_end_in_pieces(packets: bool) -> None:
    one, ticks = full(live=True)
    del ticks.at[:]
    left = []
    for piece in range(3):
        now = 100.0 + piece * 1.25 * PIECE_SECONDS
        if packets:  # of one flow more
            one.process(decode(udp_packet(A, 1, B, 5001, b"x"), now, 1))
        else:
            one.advance(now)
        left.append(len(one.flows) - packets)
    assert left == [FLOWS - LOOKS_AT_ONCE, FLOWS - 2 * LOOKS_AT_ONCE, 0]
    assert ticks.at == [100.0]
    one.advance(100.0 + TICK_SECONDS)
    assert ticks.at == [100.0, 100.0 + TICK_SECONDS]


def test_a_replay_does_not_depend_on_pieces() -> None:
    one, ticks = full(live=False)
    del ticks.at[:]
    one.advance(100.0)
    assert len(one.flows) == 0
    assert ticks.at == [100.0]
