"""The state of a parser as plain data, and back: for parsers that go on in another process.

A parser names its attributes by ``state_names``. They are values (numbers, text, bytes, tuples, dictionaries) or
objects that do so too, which a new parser has already. A tuple that has two members in a new parser, one for each
direction, has two at all times. Empty values are left out: most are, in the many flows that wait
for a next request. An attribute that may be None is bytes otherwise. What is read may be anything: it must be of the
types that the new parser's attributes have.
"""

from __future__ import annotations

from collections.abc import Callable
from math import isfinite
from operator import attrgetter
from typing import Any, Final

_DEEPEST: Final = 12
_AS_THEY_ARE: Final = frozenset({int, bool, str, float, type(None)})
#: what reads all attributes of a state at once, by their names
_readers: Final[dict[tuple[str, ...], Callable[[object], tuple[Any, ...]]]] = {}


class Saved:
    """A parser, or a part of one, whose state can be saved."""

    __slots__ = ()

    def state_names(self) -> tuple[str, ...]:
        """Return the names of the attributes that are its state."""
        raise NotImplementedError

    def state_shapes(self) -> dict[str, Any]:
        """Return the shapes of attributes that hold others, by name: a type (or several, ``bytes | None``), ``[shape]``
        for any number of the same, ``(shape, shape)`` for so many, ``{shape: shape}`` for a dictionary.
        """
        return {}

    def save(self) -> Any:
        """Return the state as plain data for JSON."""
        return {
            name: value if type(value) in _AS_THEY_ARE else _plain(value)
            for name, value in zip(self.state_names(), self._values(), strict=False)
            if value or value is None
        }

    def load(self, saved: Any) -> None:
        """Take a state.

        :raises ValueError: it is none of this parser
        """
        if not isinstance(saved, dict):
            raise ValueError("not the state of this parser")
        left = len(saved)
        shapes = self.state_shapes()
        for name, present in zip(self.state_names(), self._values(), strict=False):
            if name in saved:
                left -= 1
                value = _value(saved[name], present, 0)
            elif present or present is None:
                value = _empty(present)
            else:
                continue
            if present is None and not isinstance(value, bytes | None):
                raise ValueError(f"{type(value).__name__} for bytes")
            if name in shapes and not _fits(value, shapes[name]):
                raise ValueError(f"what {name} holds")
            if value is not present:
                setattr(self, name, value)
        if left:
            raise ValueError("more than the state of this parser")

    def _values(self) -> tuple[Any, ...]:
        """Return the attributes that are its state, and its class."""
        names = self.state_names()
        read = _readers.get(names)
        if read is None:
            read = _readers[names] = attrgetter(*names, "__class__")  # of one name alone it would give no tuple
        return read(self)


def _fits(value: Any, shape: Any) -> bool:
    if isinstance(shape, list):
        return isinstance(value, tuple | list) and all(_fits(inner, shape[0]) for inner in value)
    if isinstance(shape, tuple):
        if not isinstance(value, tuple) or len(value) != len(shape):
            return False
        return all(_fits(inner, one) for inner, one in zip(value, shape, strict=True))
    if isinstance(shape, dict):
        ((key, inner),) = shape.items()
        return isinstance(value, dict) and all(_fits(k, key) and _fits(v, inner) for k, v in value.items())
    return isinstance(value, shape)


def _plain(value: Any) -> Any:
    if isinstance(value, Saved):
        return {"object": value.save()}
    if isinstance(value, bytes):
        return {"bytes": value.hex()}
    if isinstance(value, dict):
        return {"items": [[_plain(key), _plain(inner)] for key, inner in value.items()]}
    if isinstance(value, tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, list):
        return {"list": [_plain(inner) for inner in value]}
    return value


def _is_pair(present: Any) -> bool:
    return isinstance(present, tuple) and len(present) == 2


def _empty(present: Any) -> Any:
    if isinstance(present, Saved) or _is_pair(present):
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
    if _is_pair(present) and len(value) != 2:
        raise ValueError("no pair")
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
