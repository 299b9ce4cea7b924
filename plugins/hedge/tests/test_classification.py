"""`classify`: its contract, and what it must get right on data made here."""

import random
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_hedge import Classification, StreamClassifier, classify
from pywall_hedge.entropy import entropy, random_entropy


@given(st.binary(max_size=2000), st.sampled_from(["learned", "hedge"]))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_classified(data, method):
    found = classify(data, method)
    assert found.label in ("plain", "compressed", "encrypted")
    assert 0 <= found.confidence <= 1


@pytest.mark.parametrize("size", [0, 1, 12, 13, 31, 32, 33, 100, 5000, 16384, 16385, 200_000])
@pytest.mark.parametrize("fill", [b"\x00", b"\xff", b"ab", bytes(range(256))])
def test_every_length_is_classified(size, fill):
    data = (fill * (size // len(fill) + 1))[:size]
    for method in ("learned", "hedge"):
        assert isinstance(classify(data, method), Classification)
        assert isinstance(classify(memoryview(data), method), Classification)


def test_another_method_is_refused():
    with pytest.raises(ValueError, match="no such method"):
        classify(b"x" * 64, "guess")
    with pytest.raises(ValueError, match="no such method"):
        StreamClassifier("guess")


@pytest.mark.parametrize("size", [1024, 1460, 4096, 16384])
def test_random_bytes_are_encrypted(size):
    rng = random.Random(size)
    count = 200 if size < 4096 else 60
    assert sum(classify(rng.randbytes(size)).label == "encrypted" for _ in range(count)) >= 0.93 * count


@pytest.mark.parametrize("size", [48, 64, 80, 100, 128, 181, 200, 226, 300, 362, 400, 482, 600, 724, 900, 1200, 1700])
def test_random_bytes_of_every_length_are_encrypted(size):
    rng = random.Random(size)
    found = sum(classify(rng.randbytes(size)).label == "encrypted" for _ in range(200))
    assert found >= 200 * (0.8 if size < 200 else 0.88)


def test_text_is_plain(text):
    rng = random.Random(1)
    for size in (32, 64, 256, 1460, 8192):
        starts = [rng.randrange(len(text) - size) for _ in range(30)]
        assert sum(classify(text[at : at + size]).label == "plain" for at in starts) >= 29


def test_compressed_text_in_mid_stream_is_not_encrypted(products):
    data = products["gzip"]
    pieces = [data[at : at + 4096] for at in range(1000, len(data) - 4096, 1500)]
    assert sum(classify(piece).label != "encrypted" for piece in pieces) >= 0.6 * len(pieces)


def test_heads_are_compressed_and_say_why(products):
    for name, data in products.items():
        found = classify(data[:1460])
        assert (found.label, found.because) == ("compressed", name)


def test_hedge_names_the_failed_test(text):
    found = classify(text[:1460], "hedge")
    assert (found.label, found.because) == ("plain", "chi_square")
    assert classify(random.Random(5).randbytes(1460), "hedge").label in ("encrypted", "compressed")


def test_entropy():
    assert entropy(b"") == 0
    assert entropy(b"aaaa") == 0
    assert entropy(bytes(range(256))) == 8
    rng = random.Random(3)
    for size in (32, 64, 128, 256, 512, 1460, 8192):
        measured = sum(entropy(rng.randbytes(size)) for _ in range(60)) / 60
        assert random_entropy(size) == pytest.approx(measured, abs=0.05)


@pytest.mark.parametrize("module", ["pywall_hedge", "pywall_hedge.plugin"])
def test_import_loads_nothing_that_is_slow_to_load(module):
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in ('numpy', 'scipy')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_use_does_not_load_scipy_stats():
    code = "import sys, pywall_hedge as p; p.classify(bytes(range(256)) * 4); sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
