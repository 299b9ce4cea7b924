"""Detectors as plugins declare them, and the Asker, which asks those that have not said NO yet.

``flow.detection.pending`` is their mask, one bit each in the YAML's order. A match settles when no detector listed
before it is pending any more, so the answer does not depend on how bytes were cut.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any, Final, final

from ..calls.guard import Guard, Raised
from ..model.detection_state import DetectionState
from ..model.flow import Flow
from ..model.transaction import Transaction, TransactionParser
from ..model.verdict import MORE, NO, Answer, Match
from .following import Following
from .names import Names
from .transactions import Transactions

DetectCall = Callable[[Flow, bytes, bytes], "Match | Answer"]
FollowCall = Callable[[Flow], "TransactionParser | None"]
_CACHED_ORDERS: Final = 4096


@dataclass(slots=True, frozen=True)
class Detector:
    """A plugin that detects, with its declared limits (``first_*``: possible first bytes, None: any).

    ``follow`` makes the parser of a flow's transactions, None for protocols without. A match of a name in ``unseen`` is
    never confirmed. ``facts_of``: its transactions have the facts of another protocol.
    """

    name: str
    call: DetectCall
    transports: tuple[str, ...]
    protocols: tuple[str, ...]
    first_client: bytes | None = None
    first_server: bytes | None = None
    follow: FollowCall | None = None
    unseen: tuple[str, ...] = ()
    facts_of: tuple[str, ...] = ()
    #: labels of flows that it announces (:meth:`pywall_core.model.flow.Flow.expect`)
    announces: tuple[str, ...] = ()
    #: finds where its protocol begins behind other bytes; ``follow`` then also makes the parser of flows without a name
    begins_inside: re.Pattern[bytes] | None = None
    #: tells by a datagram whether its protocol begins there in a UDP flow whose name is not proved
    begins_again: Callable[[bytes], bool] | None = None


class Detectors:
    """All detectors of a configuration with what is worked out from their declarations, once for any number of engines.

    ``tcp`` and ``udp`` are the masks of those that take the transport, ``by_first_client`` and ``by_first_server`` for
    each byte the mask of those that a direction may begin with.
    """

    def __init__(self, detectors: list[Detector]) -> None:
        self.all = detectors
        self.tcp = sum(1 << i for i, d in enumerate(detectors) if "tcp" in d.transports)
        self.udp = sum(1 << i for i, d in enumerate(detectors) if "udp" in d.transports)
        self.by_first_client = _first_bytes([d.first_client for d in detectors])
        self.by_first_server = _first_bytes([d.first_server for d in detectors])
        self.names = Names([(*d.protocols, *d.facts_of) for d in detectors])
        #: mask of those that may confirm some name
        self.confirming = sum(1 << i for i, d in enumerate(detectors) if not d.unseen or set(d.protocols) - {*d.unseen})

    def announcers(self, labels: Collection[str]) -> int:
        """Return the mask of those that announce flows with one of the labels."""
        return sum(1 << i for i, d in enumerate(self.all) if not set(d.announces).isdisjoint(labels))

    def with_calls(self, calls: list[DetectCall]) -> Detectors:
        """Return the same detectors with other functions to call, one each, in the same order."""
        return Detectors([replace(d, call=call) for d, call in zip(self.all, calls, strict=True)])


@final
class Asker:
    """Asks detectors; keeps ``pending``, ``match`` and ``match_bit`` of ``flow.detection``."""

    def __init__(self, detectors: list[Detector], guard: Guard, transactions: Transactions) -> None:
        self._detectors = detectors
        self._guard = guard
        self._transactions = transactions
        self._orders: dict[int, tuple[tuple[int, Detector], ...]] = {}
        #: mask of the detectors that are never asked again: what they would have said stays open
        self.quarantined = 0
        #: bit of the detector that is being asked, 0 outside
        self.asking = 0

    def quarantine(self, name: str) -> None:
        """Never ask this plugin again."""
        for i, detector in enumerate(self._detectors):
            if detector.name == name:
                self.quarantined |= 1 << i
        self._orders.clear()

    def ask(self, flow: Flow) -> bool:
        """Ask about the kept bytes. Return True when the flow's match says something else than before.

        Afterwards ``flow.detection.pending`` has the detectors left that come before the match, or all that are open.
        """
        state = flow.detection
        pending = state.pending
        client, server = state.client, state.server
        changed = False
        for bit, detector in self._order(pending):
            self.asking = bit
            answer: Any = self._guard.ask3(detector.name, detector.call, flow, client, server)
            if answer is MORE:
                continue
            if answer is NO:
                if bit != state.match_bit or state.match is None or not state.match.confirmed:
                    pending &= ~bit
            elif type(answer) is Match:
                if answer.confirmed and self._is_echoed(flow, detector):
                    answer = replace(answer, confirmed=False, done=False)
                changed = self._take_match(state, detector, answer)
                state.match_bit = bit
                pending &= (bit << 1) - 1
                break
            elif type(answer) is not Raised:
                self._guard.refuse(detector.name, "pywall_detect", answer)
                pending &= ~bit
        self.asking = 0
        state.pending = pending
        return changed

    def _is_echoed(self, flow: Flow, detector: Detector) -> bool:
        """Return True if the server has only sent back what opened the connection, or if that alone is what a detector
        takes for proof, whatever came behind it. Both sides may begin alike.
        """
        state = flow.detection
        client, server = state.client, state.server
        if not server:
            return False
        if client.startswith(server):
            return True
        opening = client[: state.opening]
        if not opening or not server.startswith(opening):
            return False
        return self._confirms(flow, detector, opening) and not self._confirms(flow, detector, b"")

    def _confirms(self, flow: Flow, detector: Detector, server: bytes) -> bool:
        """Return True if a detector confirms its name with ``server`` as all that the server has said."""
        answer: Any = self._guard.ask3(detector.name, detector.call, flow, flow.detection.client, server)
        return type(answer) is Match and answer.confirmed

    def _take_match(self, state: DetectionState, detector: Detector, match: Match) -> bool:
        """Take a detector's answer for the flow's match. Return True when it says something else than before."""
        before = state.match
        if match.confirmed and match.protocol in detector.unseen:
            match = replace(match, confirmed=False)
        if match.describe is not None and not _describes_later(state, detector):
            match = match.described()
        if match.anomaly and (before is None or before.anomaly != match.anomaly):
            note = Transaction(0, match.facts, anomaly=match.anomaly)
            self._transactions.due.append((match.protocol, note))
        state.match = match
        return before is None or match != before

    def _order(self, mask: int) -> tuple[tuple[int, Detector], ...]:
        order = self._orders.get(mask)
        if order is None:
            if len(self._orders) >= _CACHED_ORDERS:
                self._orders.clear()
            usable = mask & ~self.quarantined
            order = tuple((1 << i, d) for i, d in enumerate(self._detectors) if usable >> i & 1)
            self._orders[mask] = order
        return order


def _describes_later(state: DetectionState, detector: Detector) -> bool:
    """Return True if a match's own facts are not wanted, or not before the transactions have been looked at."""
    following: Following | None = state.following
    if following is None:
        return state.app_proto is None and detector.follow is not None
    return following.own_facts and following.began


def _first_bytes(declared: list[bytes | None]) -> tuple[int, ...]:
    """For each byte the mask of detectors that may begin with it."""
    any_byte = 0
    masks = [0] * 256
    for i, data in enumerate(declared):
        if data is None:
            any_byte |= 1 << i
        else:
            for n in set(data):
                masks[n] |= 1 << i
    return tuple([mask | any_byte for mask in masks])
