"""Content codings undone piece by piece."""

import gzip
import random
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge.codings import decoder

TEXT = b"what is coded, and coded again. " * 200
NOISE = random.Random(1).randbytes(3000)


def undone(codings, data, size=100):
    steps = decoder(codings)
    out = b"".join(piece for at in range(0, len(data), size) for piece in steps.decode(data[at : at + size]))
    return out, steps.bomb


def raw(data):
    deflate = zlib.compressobj(wbits=-15)
    return deflate.compress(data) + deflate.flush()


@pytest.mark.parametrize(
    ("codings", "coded"),
    [
        ("gzip", gzip.compress(TEXT, mtime=0)),
        ("x-gzip", gzip.compress(TEXT[:100], mtime=0) + gzip.compress(TEXT[100:], mtime=0)),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw(TEXT)),
        ("permessage-deflate", raw(TEXT)),
        ("deflate, gzip", gzip.compress(zlib.compress(TEXT), mtime=0)),
    ],
    ids=["gzip", "two members", "zlib", "raw", "permessage", "two codings"],  # bytes as names would hold the time
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_what_was_coded(codings, coded, size):
    assert undone(codings, coded, size) == (TEXT, False)


@pytest.mark.parametrize(
    ("codings", "coded", "left"),
    [
        ("", NOISE, NOISE),
        ("aes128gcm", NOISE, NOISE),
        ("nothing, gzip", gzip.compress(NOISE, mtime=0), NOISE),
        ("gzip, nothing", NOISE, NOISE),
        ("deflate, gzip, gzip, gzip", gzip.compress(gzip.compress(gzip.compress(NOISE))), NOISE),
    ],
    ids=["none", "unknown", "unknown inside", "unknown outside", "too many"],
)
def test_what_is_not_known_is_left_as_it_is(codings, coded, left):
    assert undone(codings, coded) == (left, False)


def test_zstd_and_brotli_where_their_libraries_are():
    zstandard = pytest.importorskip("zstandard")
    assert undone("zstd", zstandard.compress(TEXT)) == (TEXT, False)
    brotli = pytest.importorskip("brotli", minversion="1.2")
    assert undone("br", brotli.compress(TEXT)) == (TEXT, False)


@pytest.mark.parametrize("codings", ["gzip", "deflate", "deflate, gzip"])
def test_what_is_none_of_it_is_given_as_it_is(codings):
    out, _ = undone(codings, NOISE)
    assert out[-1000:] == NOISE[-1000:]


def test_what_stands_behind_the_end_is_given():
    assert undone("gzip", gzip.compress(TEXT, mtime=0) + NOISE) == (TEXT + NOISE, False)


def test_bombs_are_left():
    out, bomb = undone("gzip", gzip.compress(bytes(100_000_000)))
    assert bomb
    assert len(out) < 8_000_000
    out, bomb = undone("gzip, gzip", gzip.compress(gzip.compress(bytes(100_000_000))))
    assert bomb
    assert len(out) < 8_000_000


@given(st.binary(max_size=300), st.sampled_from(["gzip", "deflate", "permessage-deflate", "gzip, deflate"]))
def test_any_bytes_are_taken(data, codings):
    undone(codings, data, 7)
