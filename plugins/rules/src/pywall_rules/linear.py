"""Regular expressions that take linear time, whatever the text: RE2 where it is installed, else a checked subset."""

from __future__ import annotations

import re
from collections.abc import Callable
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser as parser  # type: ignore[attr-defined]
from typing import Any

_REPEATS = (codes.MAX_REPEAT, codes.MIN_REPEAT)
#: repetitions that are bounded are as many copies; more than this many count as unbounded
_FEW = 16


def linear(pattern: str) -> Callable[[str], object]:
    """Return a function that is true for a text in which the pattern is found.

    Without RE2: at most one unbounded repetition (``*``, ``+``, ``{9,}``), of a single character or class, and neither
    references back nor look-around; such a search is quadratic at worst, in texts that are cut to 4096 characters.

    :raises ValueError: no expression, or none of that subset
    """
    try:
        import re2
    except ImportError:
        return _checked(pattern)
    try:
        found: Callable[[str], object] = re2.compile(pattern).search
    except re2.error as error:
        glob = f"; as a pattern it is glob: '{pattern}'" if pattern.startswith("*") else ""
        raise ValueError(f"{pattern!r} is not a regular expression of RE2: {error}{glob}") from None
    return found


def _checked(pattern: str) -> Callable[[str], object]:
    try:
        parsed = parser.parse(pattern)
        compiled = re.compile(pattern)
    except re.error as error:
        glob = f"; as a pattern it is glob: '{pattern}'" if pattern.startswith("*") else ""
        raise ValueError(f"{pattern!r} is not a regular expression: {error}{glob}") from None
    if _unbounded(parsed, pattern) > 1:
        raise ValueError(
            f"{pattern!r} has several unbounded repetitions, which may take very long: write one of them as {{0,15}}, "
            "or install RE2 (pip install 'pywall-rules[regex]')"
        )
    return compiled.search


def _unbounded(parsed: Any, pattern: str) -> int:
    """Unbounded repetitions in an expression. :raises ValueError: something that is not of the subset"""
    found = 0
    for code, argument in parsed:
        if code in _REPEATS:
            _low, high, inner = argument
            inside = _unbounded(inner, pattern)
            if high is codes.MAXREPEAT or high > _FEW:
                single = len(inner) == 1 and inner[0][0] in (codes.LITERAL, codes.NOT_LITERAL, codes.ANY, codes.IN)
                if not single:
                    raise ValueError(
                        f"{pattern!r} repeats a group, which may take very long: repeat a single character"
                    )
                found += 1
            found += inside * max(1, min(high, _FEW) if high is not codes.MAXREPEAT else 1)
        elif code is codes.BRANCH:
            found += sum(_unbounded(branch, pattern) for branch in argument[1])
        elif code is codes.SUBPATTERN:
            found += _unbounded(argument[-1], pattern)
        elif code in (codes.ASSERT, codes.ASSERT_NOT, codes.GROUPREF, codes.GROUPREF_EXISTS):
            raise ValueError(f"{pattern!r} looks around or refers back, which may take very long")
    return found


def literals_in(pattern: str) -> tuple[str, ...]:
    """Return texts of which one, upper and lower case alike, is in all that an expression finds; ("",) where none
    is known.
    """
    if "[:" in pattern or "[^:" in pattern:  # RE2's names of classes, which Python reads otherwise
        return ("",)
    try:
        parsed = parser.parse(pattern)
    except (re.error, OverflowError):  # RE2 knows forms that Python does not
        return ("",)
    return tuple(_literals(parsed))


def _literals(parsed: Any) -> list[str]:
    """Return the choice of texts that tells most: the one whose shortest text is longest."""
    best, run = [""], ""
    for code, argument in [*parsed, (None, None)]:
        if code is codes.LITERAL:
            run += chr(argument)
            continue
        found = [[run]]
        run = ""
        if code is codes.SUBPATTERN:
            found.append(_literals(argument[-1]))
        elif code in _REPEATS and argument[0] > 0:
            found.append(_literals(argument[2]))
        elif code is codes.BRANCH:
            found.append([text for branch in argument[1] for text in _literals(branch)])
        best = max(best, *found, key=lambda texts: min(map(len, texts)))
    return best
