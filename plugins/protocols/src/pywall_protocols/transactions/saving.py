"""The state of a parser as plain data, and back: for parsers that go on in another process.

A parser names its attributes by ``state_names``. They are values (numbers, text, bytes, tuples, dictionaries) or
objects that do so too, which a new parser has already. Empty values are left out: most are, in the many flows that wait
for a next request. An attribute that may be None is bytes otherwise. What is read may be anything: it must be of the
types that the new parser's attributes have.
"""

from __future__ import annotations

from math import isfinite
from typing import Any, Final

_DEEPEST: Final = 12
_AS_THEY_ARE: Final = frozenset({int, bool, str, float, type(None)})


class Saved:
    """A parser, or a part of one, whose state can be saved."""

    __slots__ = ()

    def state_names(self) -> tuple[str, ...]:
        """Return the names of the attributes that are its state."""
        raise NotImplementedError

    def save(self) -> Any:
        """Return the state as plain data for JSON."""
        saved = {}
        for name in self.state_names():
            value = getattr(self, name)
            if value or value is None:
                saved[name] = value if type(value) in _AS_THEY_ARE else _plain(value)
        return saved

    def load(self, saved: Any) -> None:
        """Take a state.

        :raises ValueError: it is none of this parser
        """
        names = self.state_names()
        if not isinstance(saved, dict) or not saved.keys() <= set(names):
            raise ValueError("not the state of this parser")
        for name in names:
            present = getattr(self, name)
            value = _value(saved[name], present, 0) if name in saved else _empty(present)
            if present is None and not isinstance(value, bytes | None):
                raise ValueError(f"{type(value).__name__} for bytes")
            if value is not present:
                setattr(self, name, value)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {"items": [[_plain(key), _plain(inner)] for key, inner in value.items()]}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, list):
        return {"list": [_plain(inner) for inner in value]}
    if isinstance(value, Saved):
        return {"object": value.save()}
    return value


def _empty(present: Any) -> Any:
    if isinstance(present, Saved):
        raise ValueError("an object is missing")
    return b"" if present is None else type(present)()


def _value(plain: Any, present: Any, depth: int) -> Any:
    """Return what plain data say; ``present`` is what the new parser has in its place, None for anything."""
    if depth > _DEEPEST:
        raise ValueError("nested too deep")
    if isinstance(present, Saved):
        if not isinstance(plain, dict):
            raise ValueError("an object is missing")
        present.load(plain.get("object"))
        return present
    value: Any = plain
    if isinstance(plain, list):
        held = present if isinstance(present, tuple) and len(present) == len(plain) else (None,) * len(plain)
        value = tuple(_value(inner, other, depth + 1) for inner, other in zip(plain, held, strict=True))
    elif isinstance(plain, dict):
        value = _from_dict(plain, depth)
    elif isinstance(plain, float) and not isfinite(plain):
        raise ValueError("not a number")
    if present is not None and type(value) is not type(present):
        raise ValueError(f"{type(value).__name__} for {type(present).__name__}")
    return value


def _from_dict(plain: dict[str, Any], depth: int) -> Any:
    match plain:
        case {"bytes": str(text)}:
            return bytes.fromhex(text)
        case {"items": list(items)}:
            return {_value(key, None, depth + 1): _value(inner, None, depth + 1) for key, inner in items}
        case {"list": list(items)}:
            return [_value(inner, None, depth + 1) for inner in items]
    raise ValueError("not a value")
