"""What is known of live flows, as it is handed over to another process: reload, a replaced worker, a restart.

A description is a JSON list, one a flow. It comes from a process that parses packets, so it is read as hostile: what
does not keep to the form is left out, and bounds hold. Times are those of the monotonic clock, which a restart of the
firewall does not change.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ..model.flow import Flow
from ..model.packet import ACK, SYN, TCP, Packet
from ..packet.flow_key import reverse_key

VERSION: Final = 3
#: Descriptions in one message and in one line of the file.
CHUNK: Final = 200
_CHUNK_SIZE: Final = 1 << 18
#: Flows that are held until their next packet comes; the oldest make room.
MAX_FLOWS: Final = 1 << 17
MAX_FACTS: Final = 64
MAX_TEXT: Final = 1024
#: Bytes of a direction's prefix, and datagrams in it, that detection goes on from.
MAX_PREFIX: Final = 1 << 14
_MAX_SIZES: Final = 64
#: Seconds without a packet after which a datagram flow's description says nothing about a new packet on its key.
_DATAGRAM_IDLE: Final = 180.0
_INITIATORS: Final = ("local", "remote")
#: Protocols around the present one.
MAX_OUTER: Final = 8
_FIELDS: Final = 20
#: Characters of what is kept of a flow whose transactions are followed, as JSON.
MAX_KEPT: Final = 49152
#: Bytes of a key: IPv4 and IPv6, each outside and inside a tunnel.
_KEY_LENGTHS: Final = (13, 37, 21, 45)


@dataclass(slots=True, frozen=True)
class Known:
    """One flow as another process knew it; ``key`` is that of its client's packets."""

    key: bytes
    initiator: str
    hook: int
    start: float
    last: float
    older: bool
    app_proto: str | None
    app_proto_orig: str | None
    confirmed: bool
    done: bool
    opaque: bool
    expected: str | None
    facts: dict[str, Any]
    client: bytes
    server: bytes
    sizes: tuple[tuple[int, ...], tuple[int, ...]]
    outer: tuple[str, ...]
    #: its transactions were being followed
    followed: bool
    #: state of their parser and what plugins know of the flow, by name; None where it was not kept
    kept: dict[str, Any] | None
    #: no packet of it has passed since
    exact: bool


def describe(flow: Flow, kept: dict[str, Any] | None = None, *, exact: bool = False) -> list[Any]:
    """Return the description of a flow, ready for JSON. ``kept`` is left out where it is too long. ``exact``: this
    process lets no packet pass any more.
    """
    state = flow.detection
    done = state.done
    return [
        flow.key.hex(),
        flow.initiator,
        flow.hook,
        round(flow.start, 3),
        round(flow.last, 3),
        flow.older,
        state.app_proto,
        state.app_proto_orig,
        state.confirmed,
        done,
        state.opaque,
        flow.expected,
        {name: value for name, value in flow.facts.items() if _is_fact(name, value)},
        "" if done else state.client[:MAX_PREFIX].hex(),
        "" if done else state.server[:MAX_PREFIX].hex(),
        [] if done else [list(state.client_sizes), list(state.server_sizes)],
        list(state.app_proto_outer),
        state.following is not None,
        kept if kept and _length(kept) <= MAX_KEPT else None,
        exact,
    ]


def _length(kept: dict[str, Any]) -> int:
    try:
        return len(orjson.dumps(kept))
    except (TypeError, ValueError):
        return MAX_KEPT + 1


def read(entry: Any) -> Known | None:
    """Return what a description says, or None when it does not keep to the form."""
    key = _key(entry)
    if key is None:
        return None
    try:
        client, server = (bytes.fromhex(entry[n]) for n in (13, 14))
    except (TypeError, ValueError):
        return None
    initiator, hook, start, last = entry[1:5]
    facts, sizes, outer, kept = entry[12], entry[15] or [[], []], entry[16], entry[18]
    texts, flags = [*entry[6:8], entry[11]], [entry[5], *entry[8:11], entry[17], entry[19]]
    good = (
        initiator in _INITIATORS
        and hook in (1, 2, 3)
        and all(isinstance(time, (int, float)) and math.isfinite(time) for time in (start, last))
        and all(text is None or _is_text(text) for text in texts)
        and all(isinstance(flag, bool) for flag in flags)
        and isinstance(facts, dict)
        and len(facts) <= MAX_FACTS
        and all(_is_fact(name, value) for name, value in facts.items())
        and max(len(client), len(server)) <= MAX_PREFIX
        and _are_sizes(sizes, key[0], client, server)
        and isinstance(outer, list)
        and len(outer) <= MAX_OUTER
        and all(_is_text(name) for name in outer)
        and (kept is None or (isinstance(kept, dict) and _length(kept) <= MAX_KEPT))
    )
    if not good:
        return None
    return Known(
        key, initiator, hook, float(start), float(last), flags[0], texts[0], texts[1], flags[1], flags[2], flags[3],
        texts[2], facts, client, server, (tuple(sizes[0]), tuple(sizes[1])), tuple(outer), flags[4],
        kept, flags[5],
    )  # fmt: skip


def _key(entry: Any) -> bytes | None:
    """Return the key in a description, None where it has not the form of one."""
    if not isinstance(entry, list) or len(entry) != _FIELDS or not isinstance(entry[0], str):
        return None
    try:
        key = bytes.fromhex(entry[0])
    except ValueError:
        return None
    return key if len(key) in _KEY_LENGTHS else None


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT


def _is_fact(name: Any, value: Any) -> bool:
    if not isinstance(name, str) or not 0 < len(name) <= MAX_TEXT:
        return False
    values = value if isinstance(value, (list, tuple)) else (value,)
    return len(values) <= MAX_FACTS and all(
        isinstance(each, (bool, int)) or (isinstance(each, float) and math.isfinite(each)) or
        (isinstance(each, str) and len(each) <= MAX_TEXT)
        for each in values
    )  # fmt: skip


def _are_sizes(sizes: Any, proto: int, client: bytes, server: bytes) -> bool:
    """Return whether lengths of datagrams add up to the prefixes; a stream has none."""
    if not isinstance(sizes, list) or len(sizes) != 2:
        return False
    for lengths, prefix in zip(sizes, (client, server), strict=True):
        if not isinstance(lengths, list) or len(lengths) > _MAX_SIZES:
            return False
        if not all(type(length) is int and length > 0 for length in lengths):
            return False
        if sum(lengths) != (0 if proto == TCP else len(prefix)):
            return False
    return True


def chunks(descriptions: Iterable[list[Any]]) -> Iterator[list[list[Any]]]:
    """Yield descriptions together: at most 200, and about 256 KiB, which fit into one line of the file."""
    chunk: list[list[Any]] = []
    size = 0
    for entry in descriptions:
        chunk.append(entry)
        size += len(entry[13]) + len(entry[14]) + (_length(entry[18]) if entry[18] is not None else 0)
        if len(chunk) == CHUNK or size > _CHUNK_SIZE:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


class Inheritance:
    """What a process knows of flows that began before it: descriptions by key, and the directions that conntrack had.

    ``originals`` are the keys of connections that were open when the firewall started, in the direction of whoever
    began them.
    """

    def __init__(self) -> None:
        #: descriptions as they came: most are of flows whose next packet is far off, and none is believed before it
        self._known: dict[bytes, list[Any]] = {}
        self.originals: frozenset[bytes] = frozenset()
        #: descriptions that did not keep to the form
        self.refused = 0

    def __len__(self) -> int:
        return len(self._known)

    def add(self, entry: Any, *, exact: bool) -> None:
        """Take a description in; a later one of the same flow replaces it. ``exact``: no packet has passed unseen since
        it was made, if it says so itself.
        """
        key = _key(entry)
        if key is None:
            self.refused += 1
            return
        if not exact:
            entry[-1] = False
        if len(self._known) >= MAX_FLOWS and key not in self._known:
            del self._known[next(iter(self._known))]
        self._known[key] = entry

    def entries(self) -> list[list[Any]]:
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
        entry = self._known.pop(flow.key, None)
        if entry is None:
            return None
        known = read(entry)
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
        self._known.pop(key, None)
