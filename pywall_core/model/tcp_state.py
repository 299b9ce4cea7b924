"""TcpState: what the tracker of TCP connections says of a flow."""

from __future__ import annotations

from typing import Any, Final, final


@final
class TcpState:
    """A flow's TCP connection (``flow.tcp``), written by the plugins that provide ``segment`` and ``tcp-state``.

    Flows of other protocols share :data:`NO_CONNECTION`, which nobody writes.
    """

    __slots__ = ("client_state", "first_seq", "midstream", "server_state", "tracker", "unacked")

    #: RFC 9293 names (the ancestor's split ones) of both ends
    client_state: str
    server_state: str
    #: sequence number of the SYN that began the flow, -1: another packet did
    first_seq: int
    #: the start of the connection was not seen
    midstream: bool
    #: bytes that detectors saw have not been acknowledged by their receiver yet
    unacked: bool
    #: the tracker's own object
    tracker: Any


def new_tcp_state() -> TcpState:
    """Return the state of a connection of which no segment was seen."""
    state = TcpState()
    state.client_state = state.server_state = "CLOSED"
    state.first_seq = -1
    state.midstream = state.unacked = False
    state.tracker = None
    return state


#: the state of flows that are no TCP connection
NO_CONNECTION: Final = new_tcp_state()
