"""Public captures under the policy against unknown ciphertext: what has a confirmed name passes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pywall_core.offline.replay import captures

from .captures import dropped_flows

FOLDER = os.environ.get("PYWALL_CAPTURES", "")
CORPUS = Path(__file__).parents[1] / "data"


def test_the_project_s_own_captures_pass() -> None:
    assert [flow.text() for path in captures([str(CORPUS)]) for flow in dropped_flows(path)] == []


@pytest.mark.captures
@pytest.mark.slow
@pytest.mark.skipif(not FOLDER, reason="PYWALL_CAPTURES names no folder of captures")
def test_no_flow_with_a_confirmed_name_is_dropped() -> None:
    dropped = [flow for path in captures([FOLDER]) for flow in dropped_flows(path)]
    print("\n".join(flow.text() for flow in dropped))
    assert [flow.text() for flow in dropped if flow.confirmed] == []
