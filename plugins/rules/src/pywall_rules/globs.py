"""Shell patterns, many at once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate


def any_glob(patterns: Iterable[str], *, ignore_case: bool = False) -> Callable[[str], object]:
    """Return a function that is true for text that matches one of the patterns (``*``, ``?``, ``[...]``) as a whole."""
    joined = "|".join(translate(pattern) for pattern in patterns)
    return re.compile(joined, re.IGNORECASE if ignore_case else 0).match
