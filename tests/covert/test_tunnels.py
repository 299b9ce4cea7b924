"""Real tunnels through ``pywall run`` between network namespaces, 0.1 to 60 KB up and down."""

from __future__ import annotations

import pytest

from .labs import Stage, table
from .tunnels import TUNNELS, Tunnel

pytestmark = [pytest.mark.netns, pytest.mark.slow]


@pytest.mark.parametrize("tunnel", TUNNELS, ids=lambda tunnel: tunnel.name)
def test_a_tunnel_is_told_from_what_it_is_not(stage: Stage, tunnel: Tunnel) -> None:
    stage.start_firewall()
    sessions = stage.transfer(*tunnel.start(stage, tunnel.port), "--rounds", 2)
    stage.stop_firewall()
    flows = stage.flows(tunnel.port or None, tunnel.proto)
    blocked = sum(flow.blocked for flow in flows)
    whole = sum(session["whole"] for session in sessions)
    report = f"{tunnel.name}: {blocked} of {len(flows)} flows blocked; {whole} of {len(sessions)} transfers whole"
    print(f"{report}\n{table(tunnel.name, flows)}")
    assert flows, report
    if tunnel.raw:
        assert blocked >= 0.95 * len(flows), f"{report}\n{table(tunnel.name, flows)}"
