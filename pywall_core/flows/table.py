"""The flow table: identity, timeouts, bounds.

Entries are found by the key of either direction. Expiry is a wheel of one-second slots whose entries are looked at when
their slot comes and put off while the flow lives, so a packet costs the table nothing but the look-up.

Longer than 300 lines: whatever takes an entry in or out keeps the same few indexes in step.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import islice
from random import getrandbits
from typing import Final

from ..model.detection_state import NOTHING_KNOWN
from ..model.flow import Flow
from ..model.packet import ACK, ICMP, ICMPV6, INPUT, OUTPUT, SYN, TCP, Packet
from ..model.tcp_state import NO_CONNECTION, new_tcp_state
from ..model.verdict_cache import SLOTS, VerdictCache
from ..packet.flow_key import reverse_key

#: Seconds without a packet after which an entry is freed, before a tracker says otherwise.
TIMEOUT_NEW: Final = 30.0
TIMEOUT_ESTABLISHED: Final = 120.0
TIMEOUT_TCP_UNTRACKED: Final = 600.0

#: Timeouts shrink linearly from this fill of the table on, to nothing at 100 % (pf's adaptive.start; pf.conf(5)).
ADAPTIVE_START: Final = 0.6
#: The share of the table that half-open entries may take: 16,384 of 131,072, some 40 MiB under a flood.
NEW_SHARE: Final = 0.125
#: A flow is looked at again after 15 seconds at least; old ones, which end seldom, less often.
_RECHECK: Final = 15.0
_RECHECK_MOST: Final = 120.0
#: Seconds for which a SYN on the ports of a live flow waits for its answer: Linux sends one six times in 127 s.
OPENING_SECONDS: Final = 130.0
#: Connections in the kernel that are asked about to make room for one flow: each is a system call.
_MOST_ASKED: Final = 4


class FlowTable:
    """At most ``capacity`` flows; ``on_end(flow, reason)`` is called for each that leaves."""

    def __init__(self, capacity: int, on_end: Callable[[Flow, str], None]) -> None:
        self.capacity = capacity
        self._young_bound = max(capacity * NEW_SHARE, 16)
        self.find = (by_key := dict[bytes, Flow]()).get
        self._by_key = by_key
        self._on_end = on_end
        #: asked for a flow's first packet: was it begun by the one who receives this packet?
        self.client_is_receiver: Callable[[Packet], bool] | None = None
        #: asked before a flow times out: does the kernel still carry it, unseen? (it then stays for another timeout)
        self.still_carried: Callable[[Flow, float], bool] | None = None
        #: asked of flows that the kernel carries when the table is full: have both ends closed it, unseen?
        self.is_over: Callable[[Flow, float], bool] | None = None
        #: the flows that the kernel carries, in the order in which to ask about them
        self._carried: dict[bytes, Flow] = {}
        #: entries that began as half-open, oldest first; those that are no more leave when they are come upon
        self._young: dict[bytes, Flow] = {}
        #: keys by the second in which to look at them; an entry counts while its flow's ``due`` is that second, so what
        #: has ended costs a key, not a flow
        self._wheel: dict[int, list[bytes]] = {}
        self._swept = 0
        self.evicted: dict[str, int] = {}
        #: most flows, and most half-open ones, that were here at once
        self.most = self.most_young = 0

    def __len__(self) -> int:
        return len(self._by_key) // 2

    def __iter__(self) -> Iterator[Flow]:
        """Each flow once."""
        return (flow for key, flow in list(self._by_key.items()) if key == flow.key)

    def create(self, packet: Packet) -> Flow | None:
        """Return a new entry for the packet's key, or None when the table is full of flows that must not go."""
        if len(self._young) >= self._young_bound:
            self._evict_young()
        if len(self._by_key) >= self.capacity * 2 and not self._evict_young() and not self._evict_over(packet.time):
            return None
        turned = self.client_is_receiver is not None and self.client_is_receiver(packet)
        flow = new_flow(packet, turned)
        self._insert(flow)
        return flow

    def _insert(self, flow: Flow) -> None:
        self._by_key[flow.key] = flow
        self._by_key.setdefault(flow.rkey, flow)
        self._young[flow.key] = flow
        if len(self._by_key) > self.most * 2:
            self.most = len(self._by_key) // 2
        if len(self._young) > self.most_young:
            self.most_young = len(self._young)
        self._schedule(flow, flow.last, flow.timeout)

    def of(self, packet: Packet) -> Flow | None:
        """Return the flow that a packet was decided by: a SYN's may wait for its answer beside the one of its key."""
        flow = self.find(packet.key)
        if flow is None or flow.openings is None or packet.flags & (SYN | ACK) != SYN or packet.related:
            return flow
        return flow.openings.get(packet.key, flow)

    def carry(self, flow: Flow) -> None:
        """The kernel carries the flow from here on, or will once it is in the table."""
        if self._by_key.get(flow.key) is flow:
            self._carried[flow.key] = flow

    def propose(self, flow: Flow, syn: Packet) -> Flow:
        """Return a flow for a SYN on the ports of a live one. :meth:`of` alone finds it until it takes that place:
        when the other side answers (:meth:`replace`), or when that one ends.
        """
        opening = new_flow(syn)
        if flow.openings is None:
            flow.openings = {}
        flow.openings[syn.key] = opening
        opening.openings = flow.openings
        return opening

    def replace(self, flow: Flow, opening: Flow) -> None:
        """The SYN that ``opening`` began with was answered: the flow before it has ended unseen."""
        self._forget_openings(flow, opening)
        self.end(flow, "closed")

    def _forget_openings(self, flow: Flow, but: Flow | None = None) -> None:
        openings = flow.openings or {}
        flow.openings = None if but is None else {but.key: but}
        for opening in openings.values():
            opening.openings = None
            if opening is not but:
                self._on_end(opening, "timeout")

    def end(self, flow: Flow, reason: str) -> None:
        """Free the entry."""
        if self._by_key.get(flow.key) is not flow:
            return
        del self._by_key[flow.key]
        if self._by_key.get(flow.rkey) is flow:
            del self._by_key[flow.rkey]
        self._young.pop(flow.key, None)
        self._carried.pop(flow.key, None)
        self._on_end(flow, reason)
        openings = flow.openings
        if openings is not None:
            # its own client is the likelier one of two that ask for its ports
            heir = None if reason == "evicted" else openings.get(flow.key) or openings.get(flow.rkey)
            self._forget_openings(flow, heir)
            flow.openings = None
            if heir is not None:
                self._insert(heir)
                if heir.cache.released:
                    self.carry(heir)

    def sweep(self, now: float, most: int = sys.maxsize) -> bool:
        """Free what has timed out; call about once a second. True: that was all.

        At most ``most`` entries are looked at; the next call goes on with the others.
        """
        if len(self._young) * 2 > self._young_bound:
            for key in [key for key, flow in self._young.items() if flow.share != "new"]:
                del self._young[key]
        last = int(now)
        if last < self._swept:
            self._turn_back(last)
        if not self._swept or last - self._swept > 7200:
            due = sorted(slot for slot in self._wheel if slot <= last)
        else:
            due = [slot for slot in range(self._swept, last + 1) if slot in self._wheel]
        self._swept = last
        scale = self._scale()
        over: list[Flow] = []
        whole = True
        for slot in due:
            keys = self._wheel.pop(slot)
            if len(keys) > most:
                self._wheel[slot] = keys[most:]
                self._swept = slot
                keys = keys[:most]
            most -= len(keys)
            for key in keys:
                flow = self._by_key.get(key)
                if flow is None or flow.due != slot or flow.key != key:
                    continue
                if flow.openings is not None and all(
                    opening.last + OPENING_SECONDS <= now for opening in flow.openings.values()
                ):
                    self._forget_openings(flow)
                left = flow.last + flow.timeout * scale - now
                if left <= 0 and self.still_carried is not None and self.still_carried(flow, now):
                    left = flow.timeout * scale
                if left <= 0:
                    over.append(flow)
                else:
                    self._schedule(flow, now, left)
            if slot in self._wheel:
                whole = False
                break
        if len(over) > 1:  # in an order that does not depend on which other flows are in the table
            over.sort(key=_id_of)
        for flow in over:
            self.end(flow, "closed" if flow.share == "closed" else "timeout")
        return whole

    def clear(self, reason: str) -> None:
        """Free everything, oldest first."""
        while self._by_key:
            for flow in self:
                self.end(flow, reason)
        self._wheel.clear()

    def _scale(self) -> float:
        fill = len(self) / self.capacity
        return 1.0 if fill <= ADAPTIVE_START else max(0.02, (1.0 - fill) / (1.0 - ADAPTIVE_START))

    def _schedule(self, flow: Flow, now: float, left: float) -> None:
        """Look at the entry when ``left`` seconds have passed, or a quarter of its age: timeouts may have shrunk."""
        if left > _RECHECK:
            left = min(left, max(_RECHECK, min((now - flow.start) / 4, _RECHECK_MOST)))
        slot = int(now + left) + 1
        if slot <= self._swept:
            slot = self._swept + 1
        flow.due = slot
        bucket = self._wheel.get(slot)
        if bucket is None:
            self._wheel[slot] = [flow.key]
        else:
            bucket.append(flow.key)

    def _turn_back(self, second: int) -> None:
        """The clock went back (another part of a capture): what was put into later slots is due by the new time."""
        self._swept = second
        self._wheel.clear()
        for flow in self:
            flow.last = min(flow.last, float(second))
            self._schedule(flow, flow.last, flow.timeout)

    def _evict_young(self) -> bool:
        """Make room: the oldest entry that is half-open (or closed before a sweep noticed) goes."""
        young = self._young
        while young:
            key = next(iter(young))
            flow = young.pop(key)
            if flow.share != "established":
                self.evicted[flow.share] = self.evicted.get(flow.share, 0) + 1
                self.end(flow, "evicted")
                return True
        return False

    def _evict_over(self, now: float) -> bool:
        """Make room: a flow goes that the kernel carried to its end. Conntrack keeps such a connection for minutes."""
        if self.is_over is None:
            return False
        for key in list(islice(self._carried, _MOST_ASKED)):
            flow = self._carried.pop(key)
            if flow.openings is None and self.is_over(flow, now):
                self.end(flow, "closed")
                return True
            self._carried[key] = flow
        return False


def new_flow(packet: Packet, begun_by_receiver: bool = False) -> Flow:
    """Return a flow whose first packet is ``packet``. The roles are turned for a SYN/ACK, and for an older flow that
    is known to have been begun by the one who receives this packet."""
    flow = Flow()
    proto = packet.proto
    flow.reversed = turned = (
        proto == TCP and packet.flags & (SYN | ACK) == SYN | ACK and not packet.related
    ) or packet.related
    if begun_by_receiver:
        turned = flow.reversed = True
    if turned:
        flow.rkey = key = packet.key
        flow.key = reverse_key(key)
        flow.src, flow.dst = packet.dst, packet.src
        flow.sport, flow.dport = packet.dport, packet.sport
    else:
        flow.key = key = packet.key
        flow.rkey = reverse_key(key)
        flow.src, flow.dst = packet.src, packet.dst
        flow.sport, flow.dport = packet.sport, packet.dport
    flow.id = getrandbits(53)
    flow.version = packet.version
    flow.proto = proto
    flow.icmp = packet.flags if proto in (ICMP, ICMPV6) else 0
    flow.hook = packet.hook
    flow.loopback = "lo" in (packet.indev, packet.outdev)
    begun_here = packet.hook == INPUT if begun_by_receiver else packet.hook == OUTPUT
    flow.initiator = "local" if begun_here or flow.loopback else "remote"
    flow.older = flow.inherited = flow.interrupted = False
    flow.tunnel = packet.tunnel
    flow.start = flow.last = packet.time
    flow.pkts_toserver = flow.pkts_toclient = flow.bytes_toserver = flow.bytes_toclient = 0
    flow.expected = flow.ext = flow.openings = None
    flow.protocol_event_written = flow.closed = flow.watched = False
    flow.state = flow.share = "new"
    flow.timeout = TIMEOUT_TCP_UNTRACKED if proto == TCP else TIMEOUT_NEW
    flow.detection = NOTHING_KNOWN
    if proto == TCP:
        flow.tcp = new_tcp_state()
        if packet.flags & (SYN | ACK) == SYN and not packet.related:
            flow.tcp.first_seq = packet.seq
    else:
        flow.tcp = NO_CONNECTION
    flow.cache = cache = VerdictCache()
    cache.verdicts = [None] * SLOTS
    cache.final = cache.last = cache.walk_from = None
    cache.released = False
    return flow


def _id_of(flow: Flow) -> int:
    return flow.id


def touch_datagram_flow(flow: Flow) -> None:
    """The server of a UDP flow answered: the flow is established."""
    flow.state = flow.share = "established"
    flow.timeout = TIMEOUT_ESTABLISHED
