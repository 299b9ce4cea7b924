"""Verdicts that no rule made, as ``failure:`` says."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import ACCEPT, DROP, Action, Cause
from pywall_core.config import Config
from pywall_core.engine.failure_policy import FailurePolicy


def policy(mode: str = "enforce", **failure: Any) -> FailurePolicy:
    return FailurePolicy(Config.model_validate({"version": 1, "mode": mode, "failure": failure}))


@pytest.mark.parametrize(("switch", "action"), [("drop-packet", DROP), ("pass-packet", ACCEPT)])
@pytest.mark.parametrize("cause", [Cause.UNDECODABLE, Cause.TABLE_FULL, Cause.TRUNCATED])
def test_a_switch_decides_for_one_packet(switch: str, action: Action, cause: Cause) -> None:
    verdict = getattr(policy(**{cause.value: switch}), cause.value)
    assert (verdict.action, verdict.final, verdict.cause) == (action, False, cause)
    assert cause.is_failure


@pytest.mark.parametrize(
    ("switch", "hung", "action", "final"),
    [
        ("drop-packet", False, DROP, False),
        ("drop-flow", False, DROP, True),
        ("pass-packet", False, ACCEPT, False),
        ("pass-flow", False, ACCEPT, True),
        ("drop-packet", True, DROP, True),
        ("pass-packet", True, ACCEPT, True),
    ],
)
def test_a_plugin_error_is_answered_as_configured(switch: str, hung: bool, action: Action, final: bool) -> None:
    verdict = policy(plugin_error=switch).plugin_error("it", hung)
    assert (verdict.action, verdict.final, verdict.plugin, verdict.cause) == (action, final, "it", Cause.PLUGIN_ERROR)


@pytest.mark.parametrize("flow", [False, True])
def test_a_veto_is_the_packets_or_the_flows(flow: bool) -> None:
    verdict = policy().veto("stream.bad_checksum", flow)
    assert (verdict.action, verdict.final, verdict.plugin, verdict.cause) == (DROP, flow, "stream", Cause.VETO)


def test_observe_mode_lets_everything_pass() -> None:
    observing = policy("observe", plugin_error="drop-flow", undecodable="drop-packet")
    verdicts = [observing.undecodable, observing.table_full, observing.truncated, observing.plugin_error("it", False)]
    verdicts.append(observing.veto("stream.bad_checksum", True))
    assert {verdict.action for verdict in verdicts} == {ACCEPT}
    assert not any(verdict.final for verdict in verdicts)
