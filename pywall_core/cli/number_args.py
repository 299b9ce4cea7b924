"""Numbers as arguments: each function is a ``type`` for argparse, which prints what it raises."""

from __future__ import annotations

import argparse
from math import inf


def count(text: str) -> int:
    """Return a number from 0."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return number


def positive(text: str) -> int:
    """Return a number from 1."""
    if not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1")
    return int(text)


def seconds(text: str) -> float:
    """Return a number of seconds above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds: write 5")
    return number
