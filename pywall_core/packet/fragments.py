"""IP fragments put together, since only a whole datagram says which flow it belongs to.

Fragments pass until the one that completes their datagram: without it the receiver has nothing, so the verdict on the
whole is the verdict on that one. What is ambiguous is dropped instead of guessed at.
Sources: RFC 791 section 3.2, 815 (reassembly), 1858 and 3128 (tiny first fragments, overlaps), 5722 (an overlap ends
the datagram), 8200 section 4.5.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from struct import Struct, pack, unpack
from typing import Final

from ..model.packet import TCP, Packet
from ..model.verdict import Drop
from .decode import decode

MAX_LENGTH: Final = 65535
#: Every link carries a datagram of 68 bytes (RFC 791 section 3.2), 48 of them behind the largest options-free header:
#: more pieces than this nobody needs.
MAX_PIECES: Final = 1366
#: What a piece costs in memory in addition to its bytes, about.
_PIECE_OVERHEAD: Final = 128
#: Bytes of a first fragment's TCP header that reach beyond the flags (tmin of RFC 1858 section 3.2.1).
_TCP_MIN: Final = 16
_TRANSPORT_MIN: Final = 8
_U16: Final = Struct("!H").unpack_from


class _Datagram:
    """Pieces of one incomplete datagram, by offset."""

    __slots__ = ("begun", "byte_count", "cost", "ends", "head", "pieces", "starts", "total")

    def __init__(self, now: float) -> None:
        self.begun = now
        self.starts: list[int] = []
        self.ends: list[int] = []
        self.pieces: list[bytes] = []
        self.byte_count = self.cost = 0
        self.total: int | None = None
        self.head = b""


class Fragments:
    """At most ``max_datagrams`` incomplete datagrams with ``max_bytes`` bytes in memory, each for ``timeout`` seconds.

    The timeout is RFC 8200's (section 4.5): a receiver that gives up earlier starts over with pieces that we refuse, a
    later one would complete what we had forgotten. When memory is short, the oldest datagram is given up and the rest
    of it dropped; of datagrams that are refused, as many are remembered.
    """

    def __init__(self, max_datagrams: int = 65536, max_bytes: int = 4 << 20, timeout: float = 60.0) -> None:
        self.max_datagrams = max_datagrams
        self.max_bytes = max_bytes
        self.timeout = timeout
        self._datagrams: dict[bytes, _Datagram] = {}
        #: datagrams of which no more is let through, oldest first: since when, and why
        self._refused: dict[bytes, tuple[float, str]] = {}
        self._held = 0
        self._counters: Counter[str] = Counter()

    def add(self, packet: Packet) -> Packet | Drop | None:
        """Take a fragment (``packet.frag`` is set, ``packet.error`` is None).

        None: it is held in memory and may pass. A Packet: the whole datagram that it completes; its verdict is the
        fragment's, and :meth:`passed` must be told when that is ACCEPT. Drop: see the reasons in the code.
        """
        self._expire(packet.time)
        piece = _Piece(packet)
        key = piece.key
        if key in self._refused:
            return self._drop(self._refused[key][1])
        datagram = self._datagrams.get(key)
        if datagram is None:
            datagram = self._datagrams[key] = _Datagram(packet.time)
        self._held -= datagram.cost
        reason = self._take(datagram, piece, packet)
        self._held += datagram.cost
        if reason is not None:
            self._refuse(key, packet.time, reason)
            return self._drop(reason)
        if datagram.byte_count == datagram.total:
            self._refuse(key, packet.time, "fragment.of_dropped")
            whole = _whole(datagram, packet)
            if whole.frag is not None:
                return self._drop("fragment.nested")
            self._counters["reassembled"] += 1
            return whole
        self._counters["held"] += 1
        while self._held > self.max_bytes or len(self._datagrams) > self.max_datagrams:
            self._refuse(next(iter(self._datagrams)), packet.time, "fragment.memory")
            self._counters["evicted"] += 1
        return None

    def passed(self, packet: Packet) -> None:
        """The fragment that completed its datagram was accepted: the same identification may be used again."""
        self._refused.pop(_Piece(packet).key, None)

    def stats(self) -> dict[str, int]:
        """Cumulative counters, and the incomplete datagrams and bytes at this moment."""
        return {"datagrams": len(self._datagrams), "bytes": self._held, **self._counters}

    def _take(self, datagram: _Datagram, piece: _Piece, packet: Packet) -> str | None:
        """Store the piece; the reason when the datagram must be refused."""
        start, more, data = piece.start, piece.more, piece.data
        end = start + len(data)
        if not data or (more and len(data) % 8):
            return "fragment.length"
        if len(piece.head) + end > MAX_LENGTH:
            return "fragment.too_long"
        if start == 0 and more and packet.end - packet.l4 < (_TCP_MIN if packet.proto == TCP else _TRANSPORT_MIN):
            return "fragment.tiny"
        at = bisect_left(datagram.starts, start)
        if at < len(datagram.starts) and datagram.starts[at] == start and datagram.pieces[at] == data:
            same_end = datagram.total == end
            return None if more is not same_end else "fragment.end"
        if at < len(datagram.starts) and datagram.starts[at] < end:
            return "fragment.overlap"
        if at and datagram.ends[at - 1] > start:
            return "fragment.overlap"
        if not more and (datagram.total not in (None, end) or (datagram.ends and datagram.ends[-1] > end)):
            return "fragment.end"
        if more and datagram.total is not None and end >= datagram.total:
            return "fragment.end"
        if len(datagram.starts) >= MAX_PIECES:
            return "fragment.too_many"
        datagram.starts.insert(at, start)
        datagram.ends.insert(at, end)
        datagram.pieces.insert(at, data)
        datagram.byte_count += len(data)
        datagram.cost += len(data) + _PIECE_OVERHEAD
        if start == 0:
            datagram.head = piece.head
        if not more:
            datagram.total = end
        return None

    def _refuse(self, key: bytes, now: float, reason: str) -> None:
        self._held -= self._datagrams.pop(key).cost
        if len(self._refused) >= self.max_datagrams:
            del self._refused[next(iter(self._refused))]
        self._refused[key] = (now, reason)

    def _expire(self, now: float) -> None:
        while self._datagrams:
            key, oldest = next(iter(self._datagrams.items()))
            if now - oldest.begun < self.timeout:
                break
            self._held -= self._datagrams.pop(key).cost
            self._counters["expired"] += 1
        while self._refused:
            key, (since, _) = next(iter(self._refused.items()))
            if now - since < self.timeout:
                break
            del self._refused[key]

    def _drop(self, reason: str) -> Drop:
        self._counters[reason] += 1
        return Drop(reason)


class _Piece:
    """A fragment by the outermost fragment header: ``head`` is what the whole datagram has before its payload.

    ``key`` is what makes fragments belong together: RFC 791 counts the protocol, RFC 8200 does not.
    """

    __slots__ = ("data", "head", "key", "more", "start")

    def __init__(self, packet: Packet) -> None:
        data = packet.data
        end = min(packet.length, len(data))
        if packet.version == 4:
            at = (data[0] & 15) * 4
            self.head = data[:at]
            (field,) = _U16(data, 6)
            self.start, self.more = (field & 0x1FFF) * 8, bool(field & 0x2000)
            self.key = data[12:20] + data[4:6] + data[9:10]
        else:
            pointer, at, kind = 6, 40, data[6]
            while kind != 44:
                step = (data[at + 1] + 2) * 4 if kind == 51 else (data[at + 1] + 1) * 8
                pointer, kind, at = at, data[at], at + step
            self.head = data[:pointer] + data[at : at + 1] + data[pointer + 1 : at]
            (field,) = _U16(data, at + 2)
            self.start, self.more = field & 0xFFF8, bool(field & 1)
            self.key = data[8:40] + data[at + 4 : at + 8]
            at += 8
        if packet.tunnel is not None:
            self.key += packet.tunnel.tag
        self.data = data[at:end]


def _whole(datagram: _Datagram, last: Packet) -> Packet:
    head = datagram.head
    body = b"".join(datagram.pieces)
    if last.version == 4:
        head = head[:2] + pack("!H", len(head) + len(body)) + head[4:6] + b"\0\0" + head[8:10] + b"\0\0" + head[12:]
        total = sum(unpack(f"!{len(head) // 2}H", head))
        total = (total & 0xFFFF) + (total >> 16)
        head = head[:10] + pack("!H", ~(total + (total >> 16)) & 0xFFFF) + head[12:]
    else:
        head = head[:4] + pack("!H", len(head) - 40 + len(body)) + head[6:]
    whole = decode(head + body, last.time, last.hook, last.indev, last.outdev)
    whole.pcap_cnt = last.pcap_cnt
    whole.tunnel = last.tunnel
    if last.tunnel is not None:
        whole.key += last.tunnel.tag
    return whole
