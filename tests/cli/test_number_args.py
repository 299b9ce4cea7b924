"""Numbers on the command line, and what is said of those that are none."""

from __future__ import annotations

import argparse

import pytest

from pywall_core.cli.number_args import count, positive, seconds


def test_counts_begin_at_zero() -> None:
    assert count("0") == 0
    for text in ("-1", "x", "1.5", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a number from 0"):
            count(text)


def test_positive_numbers_begin_at_one() -> None:
    assert positive("1") == 1
    for text in ("0", "-1", "x", "1.5", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a number from 1"):
            positive(text)


def test_seconds_are_more_than_none_and_end() -> None:
    assert seconds("0.5") == 0.5
    for text in ("0", "-1", "nan", "inf", "x", ""):
        with pytest.raises(argparse.ArgumentTypeError, match="is not a number of seconds"):
            seconds(text)
