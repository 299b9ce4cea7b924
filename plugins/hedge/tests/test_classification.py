"""`classify` and `StreamClassifier`: their contract, and what they must get right on data made here."""

import bz2
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


def packets(data, size=1460):
    return [data[at : at + size] for at in range(0, len(data), size)]


def stream_of(data, method="learned", size=1460):
    stream = StreamClassifier(method)
    for packet in packets(data, size):
        stream.update(packet)
    return stream


def test_an_encrypted_stream():
    rng = random.Random(8)
    found = [stream_of(rng.randbytes(32 * 1460)).result() for _ in range(20)]
    assert sum(one.label == "encrypted" for one in found) >= 19
    assert all(one.confidence <= 0.93 for one in found)


def test_the_answer_does_not_depend_on_how_the_stream_was_cut(products):
    for data in (products["bzip2"][200:], random.Random(1).randbytes(40_000)):
        assert stream_of(data, size=1460).result() == stream_of(data, size=9001).result()


def test_a_structure_seen_at_the_head_is_kept_while_it_fits(products):
    for name in ("xz", "lzma", "zip", "gzip", "png", "mp4"):
        found = stream_of(products[name]).result()
        assert (found.label, found.because) == ("compressed", name)


def test_a_structure_that_breaks_off_is_forgotten(products):
    noise = random.Random(4).randbytes(60_000)
    for name in ("gzip", "xz", "zip"):
        assert stream_of(products[name][:1400] + noise).result().because == ""
    assert stream_of(b"\x28\xb5\x2f\xfd" + noise).result().label == "encrypted"


def test_a_plain_greeting_does_not_hide_what_follows():
    stream = StreamClassifier()
    stream.update(b"HELLO server, give me the file named data please\r\n", True)
    for packet in packets(random.Random(2).randbytes(60_000)):
        stream.update(packet, False)
    assert stream.result().label == "encrypted"


@pytest.mark.parametrize("opening", [b"HELLO " + b"name=value;" * 60 + b"\r\n", bytes(700), bytes(range(256)) * 3])
@pytest.mark.parametrize("cut", [200, 1448])
def test_an_opening_in_the_clear_does_not_hide_what_follows_it(opening, cut):
    stream = StreamClassifier()
    data = opening + random.Random(2).randbytes(65_536)
    for packet in packets(data, cut):
        stream.update(packet)
    assert stream.result().label == "encrypted"


def test_plain_and_compressed_streams_settle_early(text):
    stream = StreamClassifier()
    stream.update(text[:4096])
    assert not stream.settled()
    stream.update(text[4096:20_000])
    assert stream.settled()
    assert stream.result().label == "plain"
    stream = StreamClassifier()
    stream.update(random.Random(1).randbytes(20_000))
    assert not stream.settled()


def test_bzip2_mid_stream(text):
    data = bz2.compress(text * 4 + bytes(text[::-1]))
    assert stream_of(data[500:]).result().label == "compressed"


def test_short_and_empty_streams():
    stream = StreamClassifier()
    assert stream.result().label == "plain"
    stream.update(b"")
    stream.update(b"hello")
    assert stream.result().label == "plain"
    assert stream.bytes_seen == 5
    assert stream.entropy == pytest.approx(1.9219, abs=1e-3)


def test_hedge_over_a_stream(text):
    assert stream_of(random.Random(6).randbytes(60_000), "hedge").result().label == "encrypted"
    assert stream_of(text, "hedge").result().label == "plain"


@pytest.mark.parametrize("module", ["pywall_hedge", "pywall_hedge.plugin"])
def test_import_loads_nothing_that_is_slow_to_load(module):
    code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in ('numpy', 'scipy', 'pydantic')))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_use_does_not_load_scipy_stats():
    code = "import sys, pywall_hedge as p; p.classify(bytes(range(256)) * 4); sys.exit('scipy.stats' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("method", ["learned", "hedge"])
def test_a_stream_of_any_length_is_told(method: str) -> None:
    octets = random.Random(5).randbytes(300)
    for size in range(300):
        stream = StreamClassifier(method)
        stream.update(octets[:size])
        assert stream.result().label in ("plain", "compressed", "encrypted"), size
