"""Rates as they are written (``10/s``, ``100/m``, ``2MB/s``), and durations (``30s``, ``10m``, ``2h``, ``1d``)."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, WithJsonSchema

_SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
_UNITS: Final = {"": 1, "k": 1000, "M": 1_000_000, "G": 1_000_000_000}
_RATE: Final = re.compile(r"(\d+)\s*([kMG]?)(?:B|bytes)?\s*/\s*(?:(s|m|h|d)|(sec|second|min|minute|hour|day))")
_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd])")
_LONG: Final = re.compile(r"(\d+)\s*(seconds?|secs?|minutes?|mins?|hours?|hrs?|days?)", re.IGNORECASE)
_OVER: Final = re.compile(r"(\d+)\s*(?:/|in|per)\s*(\d+)\s*([smhd])")
_PER: Final = re.compile(r"(\d+)\s*(?:per|an?|every)\s*([smhd])[a-z]*", re.IGNORECASE)
_BITS: Final = re.compile(r"(\d+)\s*([kKmMgG])(?:bit|b)(?:/s|ps)?")


def rate(value: Any) -> float:
    """Units a second. :raises ValueError: no rate"""
    if isinstance(value, float):
        return value
    found = _RATE.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or int(found[1]) == 0:
        raise ValueError(f"{value!r} is not a rate: write {_rate_form(str(value)) or '10/s, 100/m, 5/h, or 2MB/s'}")
    return int(found[1]) * _UNITS[found[2]] / _SECONDS[(found[3] or found[4])[0]]


def _rate_form(text: str) -> str:
    """Return the form of so many in so long, and of bits a second; nothing of others."""
    over = _OVER.fullmatch(text.strip())
    if over:
        return f"so many in so long as {{rule: seen, times: {over[1]}, within: {over[2]}{over[3]}}}"
    if per := _PER.fullmatch(text.strip()):
        return f"{per[1]}/{per[2].lower()}"
    bits = _BITS.fullmatch(text.strip())
    if bits is None:
        return ""
    number = int(bits[1]) * _UNITS[bits[2].replace("K", "k").replace("m", "M").replace("g", "G")] // 8
    return f"bytes, {number // 1000}kB/s" if number % 1000 == 0 else f"bytes, {max(number, 1)}B/s"


def duration(value: Any) -> float:
    """Return seconds. :raises ValueError: no duration"""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value > 0:
        return float(value)
    found = _DURATION.fullmatch(value.strip()) if isinstance(value, str) else None
    if found is None or float(found[1]) == 0:
        long = _LONG.fullmatch(str(value).strip())
        form = f"{long[1]}{long[2][0].lower()}" if long else "30s, 10m, 2h or 1d"
        raise ValueError(f"{value!r} is not a duration: write {form}")
    return float(found[1]) * _SECONDS[found[2]]


Rate = Annotated[float, BeforeValidator(rate), WithJsonSchema({"type": "string", "examples": ["10/s", "100/m"]})]
Duration = Annotated[
    float,
    BeforeValidator(duration),
    WithJsonSchema({"anyOf": [{"type": "string", "examples": ["10m"]}, {"type": "number", "exclusiveMinimum": 0}]}),
]
