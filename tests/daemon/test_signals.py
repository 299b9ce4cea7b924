"""Signals come in the selector's turn, never in between."""

from __future__ import annotations

import os
import selectors
import signal

from pywall_core.daemon.signals import SIGNALS, signals_in


def test_signals_wait_for_the_selectors_turn_and_come_in_order() -> None:
    seen: list[int] = []
    before = {number: signal.getsignal(number) for number in SIGNALS}
    with selectors.DefaultSelector() as selector:
        with signals_in(selector, seen.append):
            os.kill(os.getpid(), signal.SIGHUP)
            os.kill(os.getpid(), signal.SIGTERM)
            assert seen == [], "nothing is interrupted"
            for key, _ in selector.select(1.0):
                key.data()
        assert not selector.get_map()
    assert sorted(seen) == sorted([signal.SIGHUP, signal.SIGTERM])
    assert {number: signal.getsignal(number) for number in SIGNALS} == before
