"""Flows that other flows announced (ftp-data, rtp): the only state shared between flows, bounded here.

An announcement is a hint that rules may ask for (``flow.expected``). It opens nothing by itself and names nothing, and
it counts only when it is safe: whoever gets one line of text to an open port must not get a second port with it.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from ..model.flow import Flow
from ..model.packet import TCP, UDP, Packet
from ..model.verdict import ACCEPT, Verdict

MAX_EXPECTATIONS: Final = 4096
MAX_PER_FLOW: Final = 256
LIFETIME: Final = 60.0
#: Ports below are never expected: services listen there (RFC 6335 section 6, system ports).
LOWEST_PORT: Final = 1024

_Key = tuple[int, bytes, int, bytes]


@dataclass(slots=True, frozen=True)
class Announcement:
    """One call of :meth:`pywall_core.model.flow.Flow.expect`, until the verdict on its packet.

    ``detector`` is the bit of the detector that made the call, 0 outside ``detect``.
    """

    parent: Flow
    app_proto: str
    proto: int
    dst: bytes
    dport: int
    src: bytes | None
    detector: int


class Expectations:
    """Announced flows by protocol, destination, port and source. Truthy while any are held or staged.

    ``refused`` counts announcements that were not taken, by reason.
    """

    def __init__(self) -> None:
        self._held: dict[_Key, tuple[str, float]] = {}
        self.staged: list[Announcement] = []
        self.refused: Counter[str] = Counter()

    def __bool__(self) -> bool:
        return bool(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def commit(self, packet: Packet, flow: Flow, verdict: Verdict, now: float) -> None:
        """Take the staged announcements of ``packet`` that are safe, after its verdict; forget the others."""
        staged, self.staged = self.staged, []
        for announcement in staged:
            reason = _objection(announcement, packet, flow, verdict)
            if reason is None:
                reason = self._add(announcement, now)
            if reason is not None:
                self.refused[reason] += 1

    def discard(self) -> None:
        """Refuse what was announced outside the judgement of a packet, where nothing says whether it is true."""
        self.refused["no packet"] += len(self.staged)
        self.staged.clear()

    def _add(self, announcement: Announcement, now: float) -> str | None:
        parent = announcement.parent
        ext = parent.ext = parent.ext or {}
        ext["expected"] = made = ext.get("expected", 0) + 1
        if made > MAX_PER_FLOW:
            return "too many"
        if len(self._held) >= MAX_EXPECTATIONS:
            del self._held[next(iter(self._held))]
        dst = announcement.dst
        peer = _other_end(parent, dst)
        self._held[announcement.proto, dst, announcement.dport, peer] = (announcement.app_proto, now + LIFETIME)
        return None

    def take(self, flow: Flow, now: float) -> str | None:
        """Return the label announced for this new flow, if any; it is used up. Only the destination counts, never the
        port that a flow comes from."""
        entry = self._held.pop((flow.proto, flow.dst, flow.dport, flow.src), None)
        return entry[0] if entry is not None and entry[1] >= now else None

    def sweep(self, now: float) -> None:
        """Forget what is over."""
        if self._held:
            for key in [key for key, entry in self._held.items() if entry[1] < now]:
                del self._held[key]


def _other_end(flow: Flow, end: bytes) -> bytes:
    return flow.src if end == flow.dst else flow.dst


def _objection(announcement: Announcement, packet: Packet, flow: Flow, verdict: Verdict) -> str | None:
    """Return why an announcement does not count, None when it does."""
    parent, dst = announcement.parent, announcement.dst
    if announcement.proto not in (TCP, UDP) or not LOWEST_PORT <= announcement.dport < 65536:
        return "port"
    if dst not in (parent.src, parent.dst) or announcement.src not in (None, _other_end(parent, dst)):
        return "address"
    if parent is not flow:
        return "no packet"
    if verdict.action is not ACCEPT or (flow.final is not None and flow.final.action is not ACCEPT):
        return "dropped"
    if _asks_for_itself(announcement, flow):
        return None
    if not flow.confirmed or (announcement.detector and announcement.detector != flow.match_bit):
        return "unconfirmed"
    return "no reply" if packet.to_server else None


def _asks_for_itself(announcement: Announcement, flow: Flow) -> bool:
    """Return whether this host asks to be answered at the port that it asks from, by the host that it asks (TFTP, RFC
    1350 section 4: from another port). The flow's own answers may go there already."""
    return (
        flow.initiator == "local"
        and not flow.loopback
        and announcement.proto == flow.proto
        and announcement.dst == flow.src
        and announcement.dport == flow.sport
    )
