"""Fields of an event: values that JSON can carry, facts as nested fields and back, the event as a line."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any, Final

import orjson

Event = dict[str, Any]

#: most characters of one text, and most entries of one list, that came from the network
MAX_TEXT: Final = 255
MAX_ITEMS: Final = 64


def to_line(event: Event) -> str:
    """Return the event as one line of JSON (RFC 8259), ASCII, without the newline."""
    try:
        line = orjson.dumps(event, default=clean)
    except TypeError:  # an integer of more than 64 bits, a key that is no text
        return _encode(event)
    if line.isascii() and b"\x7f" not in line:  # DEL is no character to print
        return line.decode("ascii")
    return _encode(event)


def clean(value: Any) -> Any:
    """``value`` as JSON can carry it: texts printable and of 255 characters at most, lists of 64, numbers finite."""
    if isinstance(value, str):
        if len(value) > MAX_TEXT:
            value = value[: MAX_TEXT - 3] + "..."
        return (
            value
            if value.isprintable()
            else "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in value)
        )
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, bytes | bytearray):
        return clean(value[:MAX_TEXT].hex())
    if isinstance(value, dict):
        return {clean(str(name)): clean(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [clean(inner) for inner in list(value)[:MAX_ITEMS]]
    return clean(str(value))


_encode: Final = json.JSONEncoder(separators=(",", ":"), default=clean).encode


#: keys of ``pywall`` that hold mappings but no facts
_NO_FACTS: Final = frozenset({"against"})


def own_facts(event: Event) -> dict[str, Any]:
    """Return the facts that are under ``pywall`` in an event, by their dotted names."""
    found: dict[str, Any] = {}
    waiting = [(name, value) for name, value in event.get("pywall", {}).items() if name not in _NO_FACTS]
    while waiting:
        name, value = waiting.pop()
        if isinstance(value, dict):
            waiting += [(f"{name}.{inner}", below) for inner, below in value.items()]
        elif "." in name:
            found[name.removeprefix("facts.")] = value
    return found


def nest(event: Event, proto: str, facts: dict[str, Any]) -> None:
    """Facts ``ssh.client.software_version`` as ``{"ssh": {"client": {"software_version": ...}}}``."""
    prefix = proto + "."
    size = len(prefix)
    put(event, proto, {name[size:]: value for name, value in facts.items() if name.startswith(prefix)})


def put(event: Event, key: str, facts: dict[str, Any]) -> None:
    """Facts ``client.software_version`` as fields below ``key``; nothing when there are none."""
    if not facts:
        return
    top: Event = event.setdefault(key, {})
    for name, value in facts.items():
        if "." not in name:
            top[name] = clean(value)
            continue
        at = top
        *parents, last = name.split(".")
        for i, parent in enumerate(parents):
            below = at.setdefault(parent, {})
            if not isinstance(below, dict):
                last = ".".join([*parents[i:], last])
                break
            at = below
        at[last] = clean(value)
