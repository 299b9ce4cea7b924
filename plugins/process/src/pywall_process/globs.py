"""Patterns for names and paths, upper and lower case different."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Callable, Iterable


def any_glob(patterns: Iterable[str]) -> Callable[[str], bool]:
    """Return a function that says whether a text as a whole fits one of the patterns."""
    match = re.compile("|".join(f"(?:{fnmatch.translate(pattern)})" for pattern in patterns)).match
    return lambda text: match(text) is not None
