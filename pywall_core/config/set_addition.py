"""``add:`` of a rule: what the rule's matches put into a named set."""

from __future__ import annotations

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from .section import Section

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}


def seconds(value: Any) -> float:
    """Return a span of time in seconds: ``90``, ``90s``, ``10m``, ``1h``, ``7d``, ``1w``, or joined, ``1h30m``.

    :raises ValueError: it is none, or not above 0
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        found = float(value)
    else:
        parts = re.findall(r"(\d+)([smhdw])", value) if isinstance(value, str) else []
        if not parts or "".join(number + unit for number, unit in parts) != str(value).replace(" ", ""):
            long = re.fullmatch(r"(\d+)\s*(s|m|h|d|w)[a-z]*", str(value).strip(), re.IGNORECASE)
            form = f": write {long[1]}{long[2].lower()}" if long else " (90s, 10m, 1h, 7d, 1h30m)"
            raise ValueError(f"{value!r} is not a span of time{form}")
        found = float(sum(int(number) * _UNITS[unit] for number, unit in parts))
    if not 0 < found <= 315_360_000:
        raise ValueError(f"{value!r}: should be above 0 and at most ten years")
    return found


Seconds = Annotated[float, BeforeValidator(seconds), WithJsonSchema({"type": ["string", "number"]})]


class SetAddition(Section):
    """``{set: blocked, key: src, for: 10m}``: the packet's address, or a fact of the flow, joins the set."""

    set: str = Field(description="name of the set")
    key: str = Field(
        default="src", description="what is added: src, dst (of the packet), client, server, or the name of a fact"
    )
    duration: Seconds | None = Field(
        default=None, alias="for", description="time to live (10m, 1h, 7d); without it, for good"
    )
