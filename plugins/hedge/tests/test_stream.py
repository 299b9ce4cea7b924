"""`StreamClassifier`: the sequential decision over a flow."""

import base64
import bz2
import random
import struct
import zlib

import pytest
from pywall_hedge import StreamClassifier
from pywall_hedge.stream import ALIKE_MIDDLE


def packets(data, size=1448):
    return [data[at : at + size] for at in range(0, len(data), size)]


def stream_of(payloads, method="learned", **options):
    stream = StreamClassifier(method, **options)
    for payload in payloads:
        stream.update(payload)
    return stream


def bytes_until_encrypted(payloads, **options):
    """Bytes through before the test said "encrypted"; None when it never did."""
    stream = StreamClassifier(**options)
    for payload in payloads:
        stream.update(payload)
        if stream.settled():
            return stream.bytes_seen
    return None


def test_ciphertext_one_way_settles_within_a_few_kilobytes():
    seen = [bytes_until_encrypted(packets(random.Random(seed).randbytes(32_000))) for seed in range(20)]
    found = sorted(number for number in seen if number)
    assert len(found) >= 19
    assert found[len(found) // 2] <= 4 * 1448


def test_ciphertext_both_ways_settles_within_two_kilobytes():
    found = []
    for seed in range(20):
        stream, rng = StreamClassifier(), random.Random(seed)
        for turn in range(40):
            stream.update(rng.randbytes(rng.randint(100, 600)), turn % 2 == 0)
            if stream.settled():
                found.append(stream.bytes_seen)
                break
    assert len(found) >= 19
    assert sorted(found)[len(found) // 2] <= 2048


FRAMINGS = {
    "length, 2 bytes big-endian": lambda n, body: struct.pack(">H", len(body)) + body,
    "length, 4 bytes little-endian": lambda n, body: struct.pack("<I", len(body)) + body,
    "length, 8 bytes": lambda n, body: struct.pack(">Q", len(body)) + body,
    "magic, type, counter": lambda n, body: b"MGIC" + bytes((n % 3,)) + struct.pack(">I", n) + body,
    "padding": lambda n, body: struct.pack("<H", len(body)) + body + bytes(-len(body) % 64),
    "id and counter": lambda n, body: b"\x17\x83\xa1\x9f\x01\x02\x03\x04" + struct.pack("<Q", n) + body,
}


@pytest.mark.parametrize("framing", FRAMINGS.values(), ids=FRAMINGS)
@pytest.mark.parametrize("joined", [False, True], ids=["a message a payload", "joined"])
@pytest.mark.parametrize("sizes", [(20, 64), (300, 1200)], ids=["small", "large"])
def test_framing_does_not_hide_ciphertext(framing, joined, sizes):
    if framing is FRAMINGS["padding"] and joined and sizes == (20, 64):
        pytest.skip("a known limit: small messages padded to a grid and joined leave too many odd zeros")
    blocked = 0
    for seed in range(6):
        rng = random.Random(seed)
        count = 16_000 // sum(sizes) * 2
        messages = [framing(n, rng.randbytes(rng.randint(*sizes))) for n in range(count)]
        blocked += bytes_until_encrypted(packets(b"".join(messages)) if joined else messages) is not None
    assert blocked >= 5


ENCODINGS = {
    "base64": base64.b64encode,
    "base64url": base64.urlsafe_b64encode,
    "hex": lambda data: data.hex().encode(),
    "base32": base64.b32encode,
    "ascii85": base64.a85encode,
    "percent": lambda data: "".join(f"%{byte:02X}" for byte in data).encode(),
    "zero-interleaved": lambda data: b"".join(bytes((byte, 0)) for byte in data),
    "utf-16 of base64": lambda data: base64.b64encode(data).decode().encode("utf-16-le"),
}


@pytest.mark.parametrize("encode", ENCODINGS.values(), ids=ENCODINGS)
def test_encodings_are_undone(encode, text):
    blocked = [bytes_until_encrypted(packets(encode(random.Random(seed).randbytes(6000)))) for seed in range(5)]
    assert sum(number is not None for number in blocked) >= 4
    assert bytes_until_encrypted(packets(encode(text[:6000]))) is None
    assert bytes_until_encrypted(packets(encode(zlib.compress(text[:60_000])))) is None


def test_a_plain_beginning_buys_no_free_pass(text, products):
    noise = random.Random(7).randbytes(40_000)
    for front in (text[:20_000], products["png"][:5000], bytes(range(64)) * 300, b'{"a": 1}\n'):
        seen = bytes_until_encrypted(packets(front) + packets(noise))
        assert seen is not None, front[:20]
        assert seen <= len(front) + 20_000


def test_ciphertext_one_way_and_text_the_other_is_encrypted(text):
    found = 0
    for seed in range(6):
        stream, rng, settled = StreamClassifier(), random.Random(seed), False
        for at in range(30):
            stream.update(text[at * 200 : at * 200 + 200], False)
            stream.update(rng.randbytes(600), True)
            settled = settled or stream.settled()
        found += settled
    assert found >= 5


def test_a_flow_joined_in_the_middle_stays_below_the_threshold():
    rng = random.Random(2)
    stream = StreamClassifier(start_seen=False)
    for _ in range(45):
        stream.update(rng.randbytes(1448))
        assert not stream.settled()
    assert 0 < ALIKE_MIDDLE < 1


def test_a_structure_seen_at_the_head_is_kept_while_it_fits(products):
    for name in ("xz", "lzma", "zip", "gzip", "png"):
        found = stream_of(packets(products[name])).result()
        assert (found.label, found.because) == ("compressed", name)


@pytest.mark.parametrize("header", [b"FILE" + bytes(4), b"PUT name.bin 4711\r\n", bytes(range(40, 72))])
def test_a_head_behind_a_header_is_found(header, products):
    for name in ("gzip", "xz", "zip", "png"):
        stream = stream_of(packets(header + products[name]))
        assert not stream.settled()
        assert stream.result().because == name


def test_a_structure_that_breaks_off_is_forgotten(products):
    noise = random.Random(4).randbytes(60_000)
    for name in ("gzip", "xz", "zip"):
        assert bytes_until_encrypted(packets(products[name][:1400] + noise)) is not None
    assert bytes_until_encrypted(packets(b"\x28\xb5\x2f\xfd" + noise)) is not None


def test_structure_must_earn_its_belief():
    noise = random.Random(4).randbytes(30_000)
    for data in (zlib.compress(noise), bz2.compress(noise[:5000])):
        assert stream_of(packets(data)).result().label == "encrypted"


def test_records_compressed_one_by_one_are_not_encrypted(text):
    rng = random.Random(5)
    messages = []
    for _ in range(200):
        start = rng.randrange(len(text) - 3000)
        body = zlib.compress(text[start : start + rng.randint(300, 3000)])
        messages.append(struct.pack(">I", len(body)) + body)
    assert bytes_until_encrypted(messages) is None
    assert bytes_until_encrypted(packets(b"".join(messages))) is None


def test_a_plain_greeting_does_not_hide_what_follows():
    stream = StreamClassifier()
    stream.update(b"HELLO server, give me the file named data please\r\n", True)
    for packet in packets(random.Random(2).randbytes(60_000)):
        stream.update(packet, False)
    assert stream.result().label == "encrypted"


@pytest.mark.parametrize("opening", [b"HELLO " + b"name=value;" * 60 + b"\r\n", bytes(700), bytes(range(256)) * 3])
@pytest.mark.parametrize("cut", [200, 1448])
def test_an_opening_in_the_clear_does_not_hide_what_follows_it(opening, cut):
    data = opening + random.Random(2).randbytes(30_000)
    assert bytes_until_encrypted(packets(data, cut)) is not None


def test_short_and_empty_streams():
    stream = StreamClassifier()
    assert stream.result().label == "plain"
    stream.update(b"")
    stream.update(b"hello")
    assert stream.result().label == "plain"
    assert stream.bytes_seen == 5
    assert stream.own_odds == 0
    assert stream.entropy == pytest.approx(1.9219, abs=1e-3)


def test_another_method_is_refused():
    with pytest.raises(ValueError, match="no such method"):
        StreamClassifier("guess")


def test_hedge_over_a_stream(text):
    assert stream_of(packets(random.Random(6).randbytes(60_000)), "hedge").result().label == "encrypted"
    assert stream_of(packets(text), "hedge").result().label == "plain"


@pytest.mark.parametrize("method", ["learned", "hedge"])
def test_a_stream_of_any_length_is_told(method: str) -> None:
    data = random.Random(5).randbytes(300)
    for size in range(300):
        stream = StreamClassifier(method)
        stream.update(data[:size])
        assert stream.result().label in ("plain", "compressed", "encrypted"), size


@pytest.mark.parametrize(
    "front",
    [
        b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x03\0\x3e\0" + bytes(120) + b"/lib64/ld-linux-x86-64.so.2\0" * 9,
        b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(16) + b"\x08\0\0\0data.bin",
        bytes(range(64)) * 3,
    ],
    ids=["elf", "zip", "table"],
)
def test_a_front_that_is_something_else_does_not_spoil_what_follows(front):
    seen = []
    for seed in range(12):
        stream, noise = StreamClassifier(), random.Random(seed).randbytes(20_000)
        for at in range(0, 20_000, 1448):
            if stream.settled():
                break
            stream.update((front + noise)[at : at + 1448])
        seen.append(stream.bytes_seen)
    assert sorted(seen)[6] < 9000


@pytest.mark.parametrize("kind", [bytearray, memoryview])
def test_payload_may_be_any_kind_of_bytes(kind):
    for data in (b"\0\0\0\x18ftypisom" + bytes(40), b"GET / HTTP/1.1\r\n" * 9, random.Random(3).randbytes(400)):
        classifier, same = StreamClassifier(stream=True), StreamClassifier(stream=True)
        classifier.update(kind(data))
        same.update(data)
        assert classifier.odds == same.odds
