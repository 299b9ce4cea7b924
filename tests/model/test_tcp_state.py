"""What the tracker says of a connection, before it has said anything."""

from __future__ import annotations

from pywall_core.model.packet import TCP, UDP
from pywall_core.model.tcp_state import NO_CONNECTION, new_tcp_state
from pywall_core.testing import conversation, engine


def test_nothing_is_known_of_a_new_connection() -> None:
    state = new_tcp_state()
    assert (state.client_state, state.server_state, state.tracker) == ("CLOSED", "CLOSED", None)
    assert not state.midstream
    assert not state.unacked


def test_each_connection_has_its_own_and_other_flows_share_one() -> None:
    lab = engine({})
    lab.send([*conversation().packets(), *conversation("udp").client(b"x").packets()])
    states = {flow.proto: flow.tcp for flow in lab.flows}
    assert states[UDP] is NO_CONNECTION
    assert states[TCP] is not NO_CONNECTION
