"""What is remembered of peers: log-odds of "encrypted" over the flows from one address to one service.

A beacon of 200 bytes proves nothing; the third to the same service does. Only flows that the service answered count,
since anybody can send from anywhere. What is remembered carries a flow half of the way to the threshold at most, so its
own bytes must carry the rest. A confirmed name for that service clears it; plain flows wear it down.
"""

from __future__ import annotations

from collections import OrderedDict
from math import isfinite
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pywall_core.api import Flow

#: (client address, server address, server port, IP protocol)
Key = tuple[bytes, bytes, int, int]

PEERS: Final = 8192
"""Peers remembered at most; the longest unused goes first."""
MOST: Final = 100.0
"""Log-odds (nats) of a peer at most that another process is believed."""
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

        Return what the flow has added now: what a peer at 0 could not lose is not added when the flow turns. Called
        while the flow lives: the next one to the peer does not wait for the end of this one. A flow that was joined in
        the middle adds nothing: a file looks like ciphertext there, and after a start there are many to one server.
        """
        if not flow.pkts_toclient or not _was_answered(flow):
            return before
        now = max(min(own_odds, 0.0 if flow.midstream else threshold), -threshold)
        key = key_of(flow)
        known = self._known.pop(key, (0.0, 0.0))[0]
        odds = min(max(known + now - before, 0.0), 2 * threshold)
        if odds > 0:
            self._known[key] = (odds, flow.last)
            if len(self._known) > self._limit:
                self._known.popitem(last=False)
        return before + odds - known

    def save(self) -> list[Any]:
        """Return what is remembered as JSON, for the process that follows after a reload or a restart."""
        return [
            [src.hex(), dst.hex(), port, proto, round(odds, 3), time]
            for (src, dst, port, proto), (odds, time) in self._known.items()
        ]

    def load(self, state: Any) -> None:
        """Take over what other processes have saved, by one of them or by each worker; entries that do not keep to the
        form are left out. What this process has learnt of a peer stays where it is more.
        """
        for entry in state if isinstance(state, list) else ():
            read = _read(entry)
            if read is None or len(self._known) >= self._limit:
                continue
            key, odds, time = read
            known = self._known.get(key, (0.0, time))
            self._known[key] = (max(odds, known[0]), max(time, known[1]))

    def clear(self, flow: Flow) -> None:
        """Forget a peer: it speaks a protocol with a name."""
        self._known.pop(key_of(flow), None)


def _was_answered(flow: Flow) -> bool:
    """The peer sent payload: more than headers, or for TCP, whose handshake proves the address, anything at all."""
    return flow.proto == 6 or flow.bytes_toclient > 48 * flow.pkts_toclient


def _read(entry: Any) -> tuple[Key, float, float] | None:
    if not isinstance(entry, list) or len(entry) != 6:
        return None
    src, dst, port, proto, odds, time = entry
    numbers = all(isinstance(number, (int, float)) and isfinite(number) for number in entry[2:])
    if not numbers or not isinstance(src, str) or not isinstance(dst, str):
        return None
    try:
        ends = bytes.fromhex(src), bytes.fromhex(dst)
    except ValueError:
        return None
    good = len(ends[0]) == len(ends[1]) in (4, 16) and 0 <= port < 1 << 16 and 0 <= proto < 1 << 8 and 0 < odds <= MOST
    return ((*ends, int(port), int(proto)), float(odds), float(time)) if good else None
