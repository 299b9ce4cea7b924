"""Flows that other flows announced (ftp-data, rtp), and answers to questions that this host asked many hosts at once:
the only state shared between flows, bounded here.

An announcement is a hint that rules may ask for (``flow.expected``). It opens nothing by itself and names nothing, and
it counts only when it is safe: whoever gets one line of text to an open port must not get a second port with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Final, cast

from ..model.flow import Flow
from ..model.packet import OUTPUT, TCP, UDP, Packet
from ..model.verdict import ACCEPT, Verdict

MAX_EXPECTATIONS: Final = 4096
MAX_PER_FLOW: Final = 256
LIFETIME: Final = 60.0
#: Ports below are never expected: services listen there (RFC 6335 section 6, system ports).
LOWEST_PORT: Final = 1024
#: Label of a flow that answers what this host asked by multicast or broadcast, whoever answers.
GROUP_ANSWER: Final = "group-answer"
#: Seconds in which answers may begin: SSDP lets devices wait for 5 (UPnP Device Architecture 2.0 section 1.3.2).
GROUP_LIFETIME: Final = 10.0
#: In place of an address: any.
_ANY: Final = b""

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
        #: label, until when it holds, and ``ext`` of the flow that announced it
        self._held: dict[_Key, tuple[str, float, dict[str, Any] | None]] = {}
        self.staged: list[Announcement] = []
        self.refused: Counter[str] = Counter()
        #: some rule asks for answers to multicast and broadcast, so questions are noted
        self.groups = False
        #: broadcast addresses of this host's networks
        self.broadcasts: frozenset[bytes] = frozenset()
        #: told of each entry; the workers of a firewall share them
        self.share: Callable[[list[object]], None] | None = None

    def __bool__(self) -> bool:
        return bool(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def commit(self, packet: Packet, flow: Flow, verdict: Verdict, now: float) -> None:
        """Take what ``packet`` announced and asked as far as it is safe, after its verdict; forget the rest."""
        if verdict.action is ACCEPT and self.asks_group(packet):
            self.note_question(packet, now)
        if not self.staged:
            return
        staged, self.staged = self.staged, []
        for announcement in staged:
            reason = _objection(announcement, packet, flow, verdict)
            if reason is None:
                reason = self._add(announcement, now)
            if reason is not None:
                self.refused[reason] += 1

    def discard(self) -> None:
        """Refuse what was announced while no packet is processed, where nothing says whether it is true."""
        self.refused["no packet"] += len(self.staged)
        self.staged.clear()

    def _add(self, announcement: Announcement, now: float) -> str | None:
        parent = announcement.parent
        ext = parent.ext = parent.ext or {}
        if ext.get("expected", 0) >= MAX_PER_FLOW:
            return "too many"
        dst = announcement.dst
        key = (announcement.proto, _in_tunnel(dst, parent), announcement.dport, _other_end(parent, dst))
        self._hold(key, announcement.app_proto, now + LIFETIME, ext)
        return None

    def _hold(
        self, key: _Key, label: str, until: float, ext: dict[str, Any] | None = None, *, told: bool = False
    ) -> None:
        if key in self._held:
            self._forget(key)  # the newest entries last
        elif len(self._held) >= MAX_EXPECTATIONS:
            self._forget(next(iter(self._held)))
        self._held[key] = (label, until, ext)
        if ext is not None:
            ext["expected"] = ext.get("expected", 0) + 1
        if self.share is not None and not told:
            self.share(_as_entry(key, label, until))

    def _forget(self, key: _Key) -> None:
        ext = self._held.pop(key)[2]
        if ext is not None:
            ext["expected"] -= 1

    def take_shared(self, entry: object, now: float) -> None:
        """Hold what another worker holds; raises nothing, whatever ``entry`` is."""
        try:
            proto, dst, dport, src, label, until = cast("list[Any]", entry)
            key = (int(proto), bytes.fromhex(dst), int(dport), bytes.fromhex(src))
            self._hold(key, str(label), min(float(until), now + LIFETIME), told=True)
        except (TypeError, ValueError):
            self.refused["unreadable"] += 1

    def save(self) -> list[list[object]]:
        """Return what is held, for :meth:`load` of another process on this machine."""
        return [_as_entry(key, label, until) for key, (label, until, _) in self._held.items()]

    def load(self, entries: object) -> None:
        """Hold what another process held."""
        for entry in entries if isinstance(entries, list) else ():
            self.take_shared(entry, monotonic())

    # --- questions to many hosts ----------------------------------------------------------------------------------

    def asks_group(self, packet: Packet) -> bool:
        """Return whether this host asks many at once (UDP to a multicast or broadcast address), and a rule cares."""
        if not self.groups or packet.proto != UDP or packet.hook != OUTPUT or packet.tunnel is not None:
            return False
        dst = packet.dst
        if len(dst) == 16:
            return dst[0] == 0xFF
        return dst[0] & 0xF0 == 0xE0 or dst == b"\xff\xff\xff\xff" or dst in self.broadcasts

    def note_question(self, packet: Packet, now: float) -> None:
        """Whoever gets the question may answer at the address and port that it came from, from any port of its own. A
        host without an address yet (DHCP) is answered at the one that it is to get."""
        asker = packet.src if any(packet.src) else _ANY
        key = (UDP, asker, packet.sport, _ANY)
        held = self._held.get(key)
        if held is None or held[1] < now + GROUP_LIFETIME - 1.0:  # at most once a second
            self._hold(key, GROUP_ANSWER, now + GROUP_LIFETIME)

    def take(self, flow: Flow, now: float) -> str | None:
        """Return the label announced for this new flow, if any. It is used up, but for answers to many hosts. Only the
        destination counts, never the port that a flow comes from."""
        proto, dst, dport = flow.proto, _in_tunnel(flow.dst, flow), flow.dport
        key = (proto, dst, dport, flow.src)
        entry = self._held.get(key)
        if entry is not None:
            self._forget(key)
        elif self.groups and proto == UDP and flow.initiator == "remote" and flow.tunnel is None:
            entry = self._held.get((proto, dst, dport, _ANY)) or self._held.get((proto, _ANY, dport, _ANY))
        return entry[0] if entry is not None and entry[1] >= now else None

    def sweep(self, now: float) -> None:
        """Forget what is over."""
        if self._held:
            for key in [key for key, entry in self._held.items() if entry[1] < now]:
                self._forget(key)


def _as_entry(key: _Key, label: str, until: float) -> list[object]:
    proto, dst, dport, src = key
    return [proto, dst.hex(), dport, src.hex(), label, until]


def _in_tunnel(address: bytes, flow: Flow) -> bytes:
    """Return an address of the flow as that of no other tunnel: its ends choose the addresses inside."""
    return address if flow.tunnel is None else address + flow.tunnel.tag


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
    if not flow.confirmed or (announcement.detector and announcement.detector != flow.detection.match_bit):
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
