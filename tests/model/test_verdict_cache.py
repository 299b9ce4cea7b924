"""Which verdict holds for a flow."""

from __future__ import annotations

import pytest

from pywall_core.api import ACCEPT, DROP, REJECT, Action, Cause, Verdict
from pywall_core.model.verdict_cache import SLOTS
from pywall_core.testing import make_flow

INPUT_TO_SERVER = 1 << 1 | 1


def test_a_verdict_holds_in_its_slot() -> None:
    cache, verdict = make_flow().cache, Verdict(ACCEPT)
    cache.record(INPUT_TO_SERVER, verdict, keep=True)
    assert [slot for slot, held in enumerate(cache.verdicts) if held is verdict] == [INPUT_TO_SERVER]
    assert cache.final is None


def test_what_is_not_kept_holds_for_one_packet() -> None:
    cache = make_flow().cache
    cache.record(INPUT_TO_SERVER, Verdict(ACCEPT), keep=False)
    assert cache.verdicts == [None] * SLOTS


@pytest.mark.parametrize("action", [DROP, REJECT])
def test_a_final_denial_holds_everywhere_and_outlives_facts(action: Action) -> None:
    cache, denial = make_flow().cache, Verdict(action, True)
    cache.record(INPUT_TO_SERVER, Verdict(ACCEPT, True), keep=True)
    cache.record(INPUT_TO_SERVER, denial, keep=True)
    assert cache.final is denial
    assert cache.verdicts == [denial] * SLOTS
    cache.facts_changed()
    assert cache.verdicts == [denial] * SLOTS


def test_the_first_final_accept_is_the_flows() -> None:
    cache, first = make_flow().cache, Verdict(ACCEPT, True, "first")
    cache.record(INPUT_TO_SERVER, first, keep=True)
    cache.record(0, Verdict(ACCEPT, True, "second"), keep=True)
    cache.record_accept(Verdict(ACCEPT, True, "third"))
    assert cache.final is first
    cache.facts_changed()
    assert cache.verdicts == [None] * SLOTS, "an ACCEPT is asked again"


def test_a_hook_without_a_chain_says_nothing_about_the_flow() -> None:
    cache, unruled = make_flow().cache, Verdict(ACCEPT, True, cause=Cause.NO_CHAIN)
    cache.record(INPUT_TO_SERVER, unruled, keep=True)
    assert cache.final is None
    assert cache.verdicts[INPUT_TO_SERVER] is unruled
