"""A Brotli stream is told by the codes that its head must fill exactly; noise in one gains nothing."""

import random
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge import brotli_head
from pywall_hedge.brotli_head import HEAD
from pywall_hedge.heads import examine

brotli = pytest.importorskip("brotli")
TEXT = b"".join(
    b"%d: a line of text that says %s\n" % (n, random.Random(n).randbytes(3).hex().encode()) for n in range(900)
)


@pytest.fixture(params=["with the library", "without it"])
def library(request, monkeypatch):
    if request.param == "without it":
        monkeypatch.setattr(brotli_head, "_library", lambda: None)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("quality", range(12))
@pytest.mark.parametrize("window", [16, 18, 22, 24])
def test_a_stream_of_any_quality_is_known(quality, window):
    assert examine(brotli.compress(TEXT, quality=quality, lgwin=window)) == "brotli"


@pytest.mark.usefixtures("library")
@given(seed=st.integers(0, 1 << 32))
def test_noise_in_a_stream_is_not_believed(seed):
    assert not brotli_head.brotli(brotli.compress(random.Random(seed).randbytes(3000)))


@given(data=st.binary(max_size=600))
def test_any_bytes_are_taken(data):
    assert brotli_head.brotli(data) in (True, False)
    assert not brotli_head.brotli(data[: HEAD - 1])


def test_the_library_tells_a_head_with_noise_behind_it():
    head = brotli.compress(TEXT)[:HEAD]
    assert not brotli_head.brotli(head + random.Random(2).randbytes(4000))


def test_noise_hardly_ever_begins_so():
    rng = random.Random(9)
    assert sum(brotli_head._begins(rng.randbytes(HEAD)) for _ in range(3000)) <= 3


def test_without_the_library_the_head_alone_counts(monkeypatch):
    monkeypatch.setitem(sys.modules, "brotli", None)
    brotli_head._library.cache_clear()
    assert brotli_head._library() is None
    monkeypatch.undo()
    brotli_head._library.cache_clear()
