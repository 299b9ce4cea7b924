"""What a process knows of flows that began before it, until their next packets come."""

from __future__ import annotations

from typing import Final

from ..model.flow import Flow
from ..model.packet import ACK, SYN, TCP, Packet
from ..packet.flow_key import reverse_key
from .handover import Known, as_later, read, read_key

#: Flows that are held until their next packet comes, and bytes of all their descriptions; the oldest make room.
MAX_FLOWS: Final = 1 << 17
MAX_WAITING: Final = 1 << 27
#: Seconds without a packet after which a datagram flow's description says nothing about a new packet on its key.
_DATAGRAM_IDLE: Final = 180.0


class Inheritance:
    """What a process knows of flows that began before it: descriptions by key, and the directions that conntrack had.

    ``originals`` are the keys of connections that were open at the start, in the direction of whoever began them.
    """

    def __init__(self) -> None:
        #: descriptions as they came: most are of flows whose next packet is far off, and none is believed before it
        self._known: dict[bytes, bytes] = {}
        self._size = 0
        self.originals: frozenset[bytes] = frozenset()
        #: descriptions that did not keep to the form
        self.refused = 0
        #: the process before this one ended without a word, and knew more
        self.lost = False

    def __len__(self) -> int:
        return len(self._known)

    def add(self, line: bytes, *, exact: bool) -> None:
        """Take a description in; a later one of the same flow replaces it. ``exact``: no packet has passed unseen since
        it was made, if it says so itself.
        """
        key = read_key(line)
        if key is None:
            self.refused += 1
            return
        if not exact:
            line = as_later(line)
        self._pop(key)
        while len(self._known) >= MAX_FLOWS or self._size + len(line) > MAX_WAITING:
            self._pop(next(iter(self._known)))
        self._known[key] = line
        self._size += len(line)

    def _pop(self, key: bytes) -> bytes | None:
        line = self._known.pop(key, None)
        if line is not None:
            self._size -= len(line)
        return line

    def entries(self) -> list[bytes]:
        """Return the descriptions for which no packet has come yet, as they came."""
        return list(self._known.values())

    def client_is_receiver(self, packet: Packet) -> bool:
        """Return whether the packet, the first that is seen of its flow, goes to the one who began it."""
        key = packet.key
        if key in self._known or key in self.originals:
            return False
        back = reverse_key(key)
        return back in self._known or back in self.originals

    def take(self, flow: Flow, packet: Packet) -> Known | None:
        """Return what is known of a new entry; it is used up. A SYN begins another connection on the key."""
        line = self._pop(flow.key)
        if line is None:
            return None
        known = read(line)
        if known is None:
            self.refused += 1
            return None
        if packet.proto == TCP:
            return None if packet.flags & (SYN | ACK) == SYN else known
        return known if packet.time - known.last <= _DATAGRAM_IDLE else None

    def is_older(self, flow: Flow, packet: Packet) -> bool:
        """Return whether a flow of which nothing is known was open when the firewall started."""
        if packet.proto == TCP and packet.flags & (SYN | ACK) == SYN:
            return False
        return flow.key in self.originals or flow.rkey in self.originals

    def forget(self, key: bytes) -> None:
        """The connection has ended."""
        self._pop(key)
