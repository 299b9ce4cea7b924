"""Which verdict holds for a flow."""

from __future__ import annotations

import pytest

from pywall_core.api import ACCEPT, DROP, REJECT, Action, Cause, Verdict, decode
from pywall_core.engine import verdict_cache
from pywall_core.testing import make_flow, udp_packet

INPUT_TO_SERVER = 1 << 1 | 1


def test_a_verdict_holds_in_its_slot() -> None:
    flow, verdict = make_flow(), Verdict(ACCEPT)
    verdict_cache.record(flow, INPUT_TO_SERVER, verdict, keep=True)
    assert [slot for slot, held in enumerate(flow.verdicts) if held is verdict] == [INPUT_TO_SERVER]
    assert flow.final is None


def test_what_is_not_kept_holds_for_one_packet() -> None:
    flow = make_flow()
    verdict_cache.record(flow, INPUT_TO_SERVER, Verdict(ACCEPT), keep=False)
    assert flow.verdicts == [None] * verdict_cache.SLOTS


@pytest.mark.parametrize("action", [DROP, REJECT])
def test_a_final_denial_holds_everywhere_and_outlives_facts(action: Action) -> None:
    flow, denial = make_flow(), Verdict(action, True)
    verdict_cache.record(flow, INPUT_TO_SERVER, Verdict(ACCEPT, True), keep=True)
    verdict_cache.record(flow, INPUT_TO_SERVER, denial, keep=True)
    assert flow.final is denial
    assert flow.verdicts == [denial] * verdict_cache.SLOTS
    flow.set_fact("a.b", 1)
    assert flow.verdicts == [denial] * verdict_cache.SLOTS


def test_the_first_final_accept_is_the_flows() -> None:
    flow, first = make_flow(), Verdict(ACCEPT, True, "first")
    verdict_cache.record(flow, INPUT_TO_SERVER, first, keep=True)
    verdict_cache.record(flow, 0, Verdict(ACCEPT, True, "second"), keep=True)
    verdict_cache.record_accept(flow, Verdict(ACCEPT, True, "third"))
    assert flow.final is first
    flow.set_fact("a.b", 1)
    assert flow.verdicts == [None] * verdict_cache.SLOTS, "an ACCEPT is asked again"


def test_a_hook_without_a_chain_says_nothing_about_the_flow() -> None:
    flow, unruled = make_flow(), Verdict(ACCEPT, True, cause=Cause.NO_CHAIN)
    verdict_cache.record(flow, INPUT_TO_SERVER, unruled, keep=True)
    assert flow.final is None
    assert flow.verdicts[INPUT_TO_SERVER] is unruled


def test_a_verdict_that_no_rule_made_ends_all_looking() -> None:
    flow, verdict = make_flow(pending=3, classifying=1), Verdict(ACCEPT, True, cause=Cause.MIDSTREAM)
    verdict_cache.record_flow(flow, verdict)
    assert (flow.final, flow.detect_done, flow.pending, flow.classifying) == (verdict, True, 0, 0)
    assert flow.verdicts == [verdict] * verdict_cache.SLOTS


def test_slots_are_told_apart_by_hook_and_direction() -> None:
    slots = set()
    for hook in (1, 2, 3):
        for to_server in (False, True):
            packet = decode(udp_packet("192.0.2.1", 1, "192.0.2.2", 2), 1.0, hook)
            packet.to_server = to_server
            slots.add(verdict_cache.slot_of(packet))
    assert len(slots) == 6
    assert max(slots) < verdict_cache.SLOTS
