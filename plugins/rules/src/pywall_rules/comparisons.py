"""Comparisons and patterns that are given as a value, ``is: '>=400'``: a rule that never matches, without a word."""

from __future__ import annotations

import re
from typing import Final

from .domain import FACTS

_NUMBER: Final = re.compile(r"\s*(>=|=>|<=|=<|>|<)\s*(-?\d+(?:\.\d+)?)\s*%?\s*")
_SIGN: Final = re.compile(r"\s*(!=|<>|==|=~|!~)\s*(\S.*)")
_CLASS: Final = re.compile(r"([1-5])xx", re.IGNORECASE)


def comparison_form(name: str, value: object) -> str:
    """Return how a fact is asked for what the text ``value`` compares it with; nothing where it is a plain value."""
    if not isinstance(value, str):
        return ""
    if found := _NUMBER.fullmatch(value):
        sign, number = found.groups()
        if sign in (">", "<") and number.lstrip("-").isdecimal():
            number = str(int(number) + (1 if sign == ">" else -1))
        return f"{'least' if '>' in sign else 'most'}: {number}"
    if found := _SIGN.fullmatch(value):
        sign, rest = found.groups()
        asked = f"{'regex' if '~' in sign else 'is'}: {rest}"
        return asked if sign in ("==", "=~") else f"{{not: {{rule: fact, name: {name}, {asked}}}}}"
    if (found := _CLASS.fullmatch(value)) and name.endswith("status"):
        return f"least: {found[1]}00, most: {found[1]}99"
    if name in FACTS and "*" in value:
        bare = value.removeprefix("*.")
        return f"suffix: {bare}" if "*" not in bare else f"glob: '{value}'"
    return ""
