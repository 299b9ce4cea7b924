"""Real tunnels through ``pywall run`` between network namespaces, 0.1 to 60 KB up and down."""

from __future__ import annotations

import pytest

from .labs import Stage, table
from .tunnels import TUNNELS, Tunnel

pytestmark = pytest.mark.netns
#: these are part of `make test`, where their programs are installed
QUICK = ("shadowsocks-gcm", "pproxy-cfb", "stunnel")


@pytest.mark.parametrize(
    "tunnel",
    [pytest.param(t, id=t.name, marks=[] if t.name in QUICK else [pytest.mark.slow]) for t in TUNNELS],
)
def test_a_tunnel_is_told_from_what_it_is_not(stage: Stage, tunnel: Tunnel) -> None:
    stage.start_firewall()
    sessions = stage.transfer(*tunnel.start(stage, tunnel.port))
    stage.stop_firewall()
    flows = stage.flows(tunnel.port or None, tunnel.proto)
    blocked = sum(flow.blocked for flow in flows)
    whole = sum(session["whole"] for session in sessions)
    report = f"{tunnel.name}: {blocked} of {len(flows)} flows blocked; {whole} of {len(sessions)} transfers whole"
    print(f"{report}\n{table(tunnel.name, flows)}")
    assert flows, report
    if tunnel.raw:
        # the first flows may be too short to tell; the fourth to the same server is not
        assert blocked >= len(flows) - 3, f"{report}\n{table(tunnel.name, flows)}"
