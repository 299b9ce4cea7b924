"""A flow and its three parts."""

from __future__ import annotations

import pytest

from pywall_core.api import ACCEPT, Cause, Verdict
from pywall_core.model.verdict_cache import SLOTS
from pywall_core.testing import make_flow


def test_plugins_read_what_detection_knows_and_set_nothing_of_it() -> None:
    flow = make_flow(app_proto="ssh", confirmed=True, detect_done=True, client=b"SSH-2.0-x")
    assert (flow.app_proto, flow.confirmed, flow.detect_done, flow.client) == ("ssh", True, True, b"SSH-2.0-x")
    with pytest.raises(AttributeError):
        flow.app_proto = "http"  # type: ignore[misc]


def test_a_fact_that_is_set_has_the_rules_asked_again() -> None:
    flow = make_flow()
    flow.cache.verdicts[3] = Verdict(ACCEPT)
    before = flow.facts
    flow.set_fact("a.b", 1)
    assert flow.facts == {"a.b": 1}
    assert before == {}, "facts of before are kept as they were: a packet that is not accepted teaches nothing"
    assert flow.cache.verdicts == [None] * SLOTS


def test_a_verdict_that_no_rule_made_ends_all_looking() -> None:
    flow, verdict = make_flow(pending=3, classifying=1), Verdict(ACCEPT, True, cause=Cause.MIDSTREAM)
    flow.stop_looking(verdict)
    assert (flow.final, flow.detect_done, flow.detection.pending, flow.classifying) == (verdict, True, 0, 0)
    assert flow.cache.verdicts == [verdict] * SLOTS
    assert not flow.looked_at
