"""Flows that the kernel carries: their true counters and their end, from conntrack.

Once a verdict is final no packet of the flow comes here. The flow's entry stays while conntrack has the connection,
takes over its counters (bytes of IP packets, as ours), and ends when the connection does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from ..kernel.conntrack import Connection, EndedConnections, Lookup
from ..model.packet import TCP
from ..packet.flow_key import reverse_key

if TYPE_CHECKING:
    from ..engine.engine import Engine
    from ..model.flow import Flow

#: as many polls as read a full buffer of ended connections
_POLLS: Final = 40


class CarriedFlows:
    """Keeps an engine's flow table in step with conntrack. Make it before the rules go in.

    :raises OSError: conntrack cannot be asked
    """

    def __init__(self, engine: Engine) -> None:
        self._flows = engine.flows
        self._misses_bare_acks = engine.misses_bare_acks
        self._forget = engine.continuation.inheritance.forget
        self._ended = EndedConnections()
        self._lookup = Lookup()
        self._flows.still_carried = self._still_carried
        self._flows.is_over = self._is_over

    def poll(self, now: float) -> bool:
        """End the flows whose connections have ended since the last call. True where more may wait."""
        for connection in self._ended.poll():
            self._forget(connection.key)
            for key in _keys(connection):
                flow = self._flows.find(key)
                if flow is not None and is_carried(flow):
                    if take_counters(flow, connection):
                        flow.last = now
                    self._flows.end(flow, "closed" if flow.share == "closed" else "timeout")
                    break
        return self._ended.behind

    def settle(self, now: float) -> None:
        """Take over the counters of all carried flows, before their last events are written."""
        for flow in self._flows:
            self._still_carried(flow, now)

    def close(self) -> None:
        """Ask no more."""
        self._flows.still_carried = self._flows.is_over = None
        self._ended.close()

    def _still_carried(self, flow: Flow, now: float) -> bool:
        if not is_carried(flow):
            return self._misses_bare_acks and self._is_open_unseen(flow)
        connection = self._lookup.find(flow.key) or self._lookup.find(flow.rkey)
        if connection is None:
            # the look-up made the kernel throw an expired connection out, and tell, behind what waits: a buffer full
            for _ in range(_POLLS):
                if not self.poll(now):
                    break
            return False
        if take_counters(flow, connection):
            flow.last = now
        return True

    def _is_over(self, flow: Flow, now: float) -> bool:
        connection = self._lookup.find(flow.key) or self._lookup.find(flow.rkey)
        if connection is not None:
            take_counters(flow, connection)
            return connection.over
        # untracked, translated at both ends, or its first packet has not left yet: silence alone says it
        return now - flow.last > flow.timeout

    def _is_open_unseen(self, flow: Flow) -> bool:
        """Return True for a TCP flow that looks half-open since the last segment of its handshake passed unseen."""
        if flow.proto != TCP or flow.share != "new" or flow.tcp.midstream or flow.pkts_toclient == 0:
            return False
        connection = self._lookup.find(flow.key) or self._lookup.find(flow.rkey)
        return connection is not None and connection.established


def is_carried(flow: Flow) -> bool:
    """Return True if the kernel may have been given the flow's verdict."""
    return flow.cache.released or flow.cache.final is not None


def take_counters(flow: Flow, connection: Connection) -> bool:
    """Set the flow's counters to conntrack's where those are higher. True when packets went by unseen."""
    forward = connection.packets, connection.byte_count
    backward = connection.reply_packets, connection.reply_byte_count
    if flow.key not in (connection.key, reverse_key(connection.reply_key), _translated(connection)):
        forward, backward = backward, forward
    unseen = forward[0] > flow.pkts_toserver or backward[0] > flow.pkts_toclient
    flow.pkts_toserver = max(flow.pkts_toserver, forward[0])
    flow.bytes_toserver = max(flow.bytes_toserver, forward[1])
    flow.pkts_toclient = max(flow.pkts_toclient, backward[0])
    flow.bytes_toclient = max(flow.bytes_toclient, backward[1])
    return unseen


def _keys(connection: Connection) -> tuple[bytes, ...]:
    """Return how packets of the original direction look in ``mangle``: before source, after destination translation."""
    reverse = reverse_key(connection.reply_key)
    if reverse == connection.key:
        return (connection.key,)
    return connection.key, _translated(connection), reverse


def _translated(connection: Connection) -> bytes:
    """Source as the original direction has it, destination as it answers."""
    key, reverse = connection.key, reverse_key(connection.reply_key)
    size = (len(key) - 5) // 2
    return key[: 1 + size] + reverse[1 + size : 1 + 2 * size] + key[-4:-2] + reverse[-2:]
