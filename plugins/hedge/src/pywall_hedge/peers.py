"""What is remembered of peers: log-odds of "encrypted" over the flows from one address to one service.

A beacon of 200 bytes proves nothing; the third to the same service does. Only flows that the service answered count,
since anybody can send from anywhere. What is remembered carries a flow half of the way to the threshold at most, so its
own bytes must carry the rest. A confirmed name for that service clears it; plain flows wear it down.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pywall_core.api import Flow

#: (client address, server address, server port, IP protocol)
Key = tuple[bytes, bytes, int, int]

PEERS: Final = 8192
"""Peers remembered at most; the longest unused goes first."""
SECONDS: Final = 6 * 3600.0
"""A peer without a flow for so long is forgotten."""


def key_of(flow: Flow) -> Key:
    """Return what a flow's peer is remembered under."""
    return (flow.src, flow.dst, flow.dport, flow.proto)


class Peers:
    """Log-odds (nats) by peer, at least 0, bounded in number and time."""

    def __init__(self, limit: int = PEERS, seconds: float = SECONDS) -> None:
        self._limit = limit
        self._seconds = seconds
        self._known: OrderedDict[Key, tuple[float, float]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._known)

    def recall(self, flow: Flow, threshold: float) -> float:
        """Return the log-odds to start a flow from: 0 to half of ``threshold``, the log-odds that drop."""
        known = self._known.get(key_of(flow))
        if known is None:
            return 0.0
        odds, time = known
        if flow.start - time > self._seconds:
            del self._known[key_of(flow)]
            return 0.0
        return min(odds, threshold / 2)

    def learn(self, flow: Flow, own_odds: float, threshold: float, before: float = 0.0) -> float:
        """Add the log-odds of a flow's own bytes, if the peer answered; ``before`` is what it added already.

        Return what the flow has added now, the threshold at most. Called while the flow lives: the next one to the peer
        does not wait for the end of this one.
        """
        if not flow.pkts_toclient or not _was_answered(flow):
            return before
        now = max(min(own_odds, threshold), -threshold)
        key = key_of(flow)
        odds = self._known.pop(key, (0.0, 0.0))[0] + now - before
        if odds > 0:
            self._known[key] = (min(odds, 2 * threshold), flow.last)
            if len(self._known) > self._limit:
                self._known.popitem(last=False)
        return now

    def clear(self, flow: Flow) -> None:
        """Forget a peer: it speaks a protocol with a name."""
        self._known.pop(key_of(flow), None)


def _was_answered(flow: Flow) -> bool:
    """The peer sent payload: more than headers, or for TCP, whose handshake proves the address, anything at all."""
    return flow.proto == 6 or flow.bytes_toclient > 48 * flow.pkts_toclient
