"""Descriptions packed together come back as they were; what is no such text says nothing, and is bounded."""

from __future__ import annotations

import base64
import zlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.flows.packing import CHUNK, pack, unpack

LINES = st.lists(st.binary(min_size=1, max_size=40).map(lambda data: data.replace(b"\n", b"?")), max_size=3 * CHUNK)


def packed(data: bytes) -> str:
    return base64.b64encode(zlib.compress(data)).decode()


@given(LINES)
def test_they_come_back_in_order(lines: list[bytes]) -> None:
    texts = list(pack(lines))
    assert [line for text in texts for line in unpack(text)] == lines
    assert len(texts) == -(-len(lines) // CHUNK)


def test_long_ones_fill_a_text_sooner() -> None:
    lines = [bytes([65 + n % 9]) * 100_000 for n in range(20)]
    texts = list(pack(lines))
    assert [len(unpack(text)) for text in texts] == [3] * 6 + [2]
    assert max(map(len, texts)) < 1 << 20, "it fits into a line of the file"


@given(st.text(max_size=50) | st.integers() | st.none() | st.lists(st.text(max_size=3), max_size=3))
def test_anything_may_come(text: Any) -> None:
    assert unpack(text) == []


@pytest.mark.parametrize(
    "text",
    [
        packed(b"x")[:-4],
        packed(b"x" * 100)[:-8],
        packed(b"x") + "!",
        packed(b"\0" * (64 << 20)),
        base64.b64encode(zlib.compress(b"x")[:-1]).decode(),
        base64.b64encode(b"no zlib at all").decode(),
    ],
    ids=["cut", "cut inside", "more", "a bomb", "no end", "none"],
)
def test_what_is_none_says_nothing(text: str) -> None:
    assert unpack(text) == []


def test_no_more_than_a_text_may_hold_are_taken() -> None:
    assert len(unpack(packed(b"\n" * 10_000))) == CHUNK
