"""What is known of live flows, as it is handed over to another process: reload, a replaced worker, a restart.

A description is a JSON list, one a flow, as bytes. It stays so on all its way (:mod:`pywall_core.flows.packing` carries
many), and is parsed when its flow's next packet comes. It comes from a process that parses packets, so it is read as
hostile: what does not keep to the form is left out, and bounds hold. Times are those of the monotonic clock, which a
restart of the firewall does not change.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Final

import orjson

from ..model.flow import Flow
from ..model.packet import TCP

VERSION: Final = 5
MAX_FACTS: Final = 64
MAX_TEXT: Final = 1024
#: Bytes of a direction's prefix, and datagrams in it, that detection goes on from.
MAX_PREFIX: Final = 1 << 14
_MAX_SIZES: Final = 64
_INITIATORS: Final = ("local", "remote")
#: Protocols around the present one.
MAX_OUTER: Final = 8
_FIELDS: Final = 21
_FACTS, _KEPT = 12, 19
_FLAGS: Final = (5, 8, 9, 10, 17, 18, 20)
#: Characters of what is kept of a flow whose transactions are followed, as JSON.
MAX_KEPT: Final = 49152
#: Bytes of a key: IPv4 and IPv6, each outside and inside a tunnel.
_KEY_LENGTHS: Final = (13, 37, 21, 45)
#: Bytes of a description.
MAX_SIZE: Final = 1 << 18
#: How a description ends after which packets may have passed.
_LATER: Final = b",false]"


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
    #: read the other way round
    turned: bool
    #: its transactions were being followed
    followed: bool
    #: state of their parser and what plugins know of the flow, by name; None where it was not kept
    kept: dict[str, Any] | None
    #: no packet of it has passed since
    exact: bool


def describe(flow: Flow, kept: dict[str, Any] | None = None, *, exact: bool = False) -> bytes | None:
    """Return the description of a flow, None where it is too long. ``kept`` is left out where it is. ``exact``: this
    process lets no packet pass any more.
    """
    state = flow.detection
    done = state.done
    return _to_bytes([
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
        _facts_of(flow.facts),
        "" if done else state.client[:MAX_PREFIX].hex(),
        "" if done else state.server[:MAX_PREFIX].hex(),
        [] if done else [list(state.client_sizes), list(state.server_sizes)],
        list(state.app_proto_outer),
        state.turned,
        state.following is not None,
        kept,
        exact,
    ])  # fmt: skip


def _facts_of(facts: dict[str, Any]) -> dict[str, Any]:
    """Return the facts that a reader takes: nearly always all of them."""
    return facts if _are_facts(facts) else {name: value for name, value in facts.items() if _is_fact(name, value)}


def _to_bytes(entry: list[Any]) -> bytes | None:
    line = _dumps(entry)
    if line is None or len(line) > MAX_KEPT:
        if _length(entry[_KEPT]) > MAX_KEPT:
            entry[_KEPT] = None
        entry[_FACTS] = {name: value for name, value in entry[_FACTS].items() if _dumps({name: value}) is not None}
        line = _dumps(entry)
    return line if line is not None and len(line) <= MAX_SIZE else None


def _length(kept: Any) -> int:
    line = _dumps(kept)
    return MAX_SIZE if line is None else len(line)


def _dumps(value: Any) -> bytes | None:
    """Return JSON, None where there is none: numbers of more than 64 bits, texts that are not UTF-8."""
    try:
        return orjson.dumps(value)
    except (TypeError, ValueError):
        return None


def as_later(line: bytes) -> bytes:
    """Return a description without its claim, if it has one, that no packet has passed since it was made."""
    return line if line.endswith(_LATER) else line.rpartition(b",")[0] + _LATER


def read(line: bytes) -> Known | None:
    """Return what a description says, or None when it does not keep to the form."""
    try:
        entry: Any = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(entry, list) or len(entry) != _FIELDS:
        return None
    key = read_key(line)
    if key is None or entry[0] != key.hex():
        return None
    try:
        client, server = (bytes.fromhex(entry[n]) for n in (13, 14))
    except (TypeError, ValueError):
        return None
    initiator, hook, start, last = entry[1:5]
    facts, sizes, outer, kept = entry[12], entry[15] or [[], []], entry[16], entry[19]
    good = (
        initiator in _INITIATORS
        and type(hook) is int
        and hook in (1, 2, 3)
        and _is_time(start)
        and _is_time(last)
        and _is_name(entry[6])
        and _is_name(entry[7])
        and _is_name(entry[11])
        and {type(entry[n]) for n in _FLAGS} == {bool}
        and isinstance(facts, dict)
        and len(facts) <= MAX_FACTS
        and _are_facts(facts)
        and max(len(client), len(server)) <= MAX_PREFIX
        and _are_sizes(sizes, key[0], client, server)
        and isinstance(outer, list)
        and len(outer) <= MAX_OUTER
        and all(_is_text(name) for name in outer)
        and (kept is None or (isinstance(kept, dict) and _length(kept) <= MAX_KEPT))
    )
    if not good:
        return None
    older, app_proto, app_proto_orig, confirmed, done, opaque, expected = entry[5:12]
    return Known(
        key, initiator, hook, float(start), float(last), older, app_proto, app_proto_orig, confirmed, done, opaque,
        expected, facts, client, server, (tuple(sizes[0]), tuple(sizes[1])), tuple(outer),
        entry[17], entry[18], kept, entry[20],
    )  # fmt: skip


def read_key(line: bytes) -> bytes | None:
    """Return the key at the beginning of a description, None where there is none."""
    try:
        key = bytes.fromhex(line[2 : line.index(b'"', 2)].decode("ascii"))
    except ValueError:
        return None
    return key if len(key) in _KEY_LENGTHS and len(line) <= MAX_SIZE else None


def _is_time(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)


def _is_name(value: Any) -> bool:
    return value is None or _is_text(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= MAX_TEXT


def _are_facts(facts: dict[Any, Any]) -> bool:
    for name, value in facts.items():
        if type(value) is str and type(name) is str and 0 < len(name) <= MAX_TEXT >= len(value):
            continue  # as nearly all are
        if not _is_fact(name, value):
            return False
    return True


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
