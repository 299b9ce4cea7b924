"""Encodings are undone to the bytes inside; text stays what it is; XOR keys over text are found."""

import base64
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_hedge.decoding import undo, without_zeros, xor_key

NOISE = random.Random(1).randbytes(3000)
EXACT = {
    "hex": (NOISE.hex().encode(), NOISE),
    "hex in lines": (b"\n".join(NOISE.hex().encode()[at : at + 76] for at in range(0, 6000, 76)), NOISE),
    "base64": (base64.b64encode(NOISE), NOISE),
    "base64url": (base64.urlsafe_b64encode(NOISE), NOISE),
    "base64 in JSON": (b'{"id": 7, "body": "' + base64.b64encode(NOISE) + b'"}', NOISE),
    "base32": (base64.b32encode(NOISE), NOISE),
    "percent": ("".join(f"%{byte:02x}" for byte in NOISE).encode(), NOISE),
}


@pytest.mark.parametrize(("encoded", "inner"), EXACT.values(), ids=EXACT)
def test_the_bytes_inside_come_out(encoded, inner):
    found = undo(encoded)
    assert found is not None
    assert found.inner[:2900] == inner[:2900]


@pytest.mark.parametrize("encode", [base64.a85encode, base64.b85encode])
def test_base_85(encode):
    found = undo(encode(NOISE))
    assert found is not None
    assert len(found.inner) >= 0.95 * len(NOISE)
    assert len(set(found.inner)) > 250


@pytest.mark.parametrize("bits", [4, 5, 6, 7])
def test_any_alphabet_of_equal_frequencies(bits):
    rng = random.Random(bits)
    alphabet = rng.sample(range(256), 1 << bits)
    found = undo(bytes(rng.choice(alphabet) for _ in range(3000)))
    assert found is not None
    assert len(found.inner) == pytest.approx(3000 * bits / 8, rel=0.02)


def test_text_is_no_encoding(text):
    assert undo(text[:8000]) is None
    assert undo(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n" * 20) is None
    assert undo(bytes(3000)) is None


@given(st.binary(max_size=2000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_looked_at(data):
    found = undo(data)
    assert found is None or isinstance(found.inner, bytes)
    assert xor_key(data) is None or any(xor_key(data))


def test_a_key_over_text_is_found(text):
    for key in (b"\x5a", b"key!", random.Random(2).randbytes(16)):
        hidden = bytes(byte ^ key[at % len(key)] for at, byte in enumerate(text[:4000]))
        found = xor_key(hidden)
        assert found is not None
        assert all(found[at % len(found)] == key[at % len(key)] for at in range(64))


def test_ciphertext_and_text_have_no_key(text):
    assert xor_key(NOISE) is None
    assert xor_key(text[:4000]) is None


def test_zeros_between_bytes(text):
    assert without_zeros(b"".join(bytes((byte, 0)) for byte in NOISE)) == NOISE.replace(b"\0", b"")
    assert without_zeros(text[:500].decode("latin1").encode("utf-16-be")) == text[:500]
    assert without_zeros(NOISE) is None
    assert without_zeros(bytes(64)) is None
