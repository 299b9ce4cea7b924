"""BypassCounter: packets that the kernel rules counted and no worker gave a verdict."""

from __future__ import annotations

from pywall_core.kernel.bypass_counter import BypassCounter
from pywall_core.kernel.queues import Statistics


def queue(full: int = 0, waiting: int = 0) -> dict[int, Statistics]:
    return {7: Statistics(waiting, full, 0, 0)}


def test_passes_are_what_rules_counted_and_nobody_decided() -> None:
    passes = BypassCounter()
    assert passes.update(1000, {1: 900}, queue(waiting=100)) == 0
    assert passes.update(2000, {1: 1900}, queue(full=60)) == 0
    assert passes.update(2000, {1: 1900}, queue(full=60)) == 40, "a look later"
    assert passes.update(2000, {1: 1900}, queue(full=60)) == 0, "told once"
    assert passes.update(5000, {1: 2000, 2: 2900}, queue(full=60)) == 0
    assert passes.update(5000, {1: 2000, 2: 2900}, queue(full=60)) == 0
    assert passes.total == 40


def test_passes_after_the_rules_were_put_in_anew() -> None:
    passes = BypassCounter()
    passes.update(1000, {1: 1000}, queue())
    assert passes.update(10, {1: 1500}, queue()) == 0, "500 were counted by rules that are gone"
    assert passes.update(200, {1: 1690}, queue()) == 0
    assert passes.update(230, {1: 1690}, queue()) == 0
    assert passes.update(230, {1: 1690}, queue()) == 30
