"""Encodings are undone to the bytes inside; text stays what it is; XOR keys over text are found."""

import base64
import json
import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_hedge import decoding, gate
from pywall_hedge.alphabets import in_runs
from pywall_hedge.decoding import decode
from pywall_hedge.entropy import entropy
from pywall_hedge.xor import xor_key

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
    found = decode(encoded)
    assert found is not None
    assert found.inner[:2900] == inner[:2900]


@pytest.mark.parametrize("encode", [base64.a85encode, base64.b85encode])
def test_base_85(encode):
    found = decode(encode(NOISE))
    assert found is not None
    assert len(found.inner) >= 0.95 * len(NOISE)
    assert len(set(found.inner)) > 250


def in_blocks(alphabet, block, digits):
    """Numbers of a few bytes in digits of another base: the first digit of each is uneven."""
    out = bytearray()
    for at in range(0, len(NOISE) - block + 1, block):
        number = int.from_bytes(NOISE[at : at + block], "big")
        out += bytes(alphabet[number // len(alphabet) ** place % len(alphabet)] for place in reversed(range(digits)))
    return bytes(out)


def test_groups_of_one_length_are_put_together():
    encoded = base64.b64encode(NOISE)
    found = decode(b" ".join(encoded[at : at + 4] for at in range(0, len(encoded), 4)))
    assert found is not None
    assert found.inner[:2900] == NOISE[:2900]


def test_words_of_a_list_are_bits():
    words = ["".join(random.Random(n).choices("abcdefghijklmnop", k=3 + n % 4)) + str(n % 7) for n in range(64)]
    found = decode(" ".join(words[byte & 63] for byte in NOISE).encode())
    assert found is not None
    assert found.name == "words"
    assert gate.look(found.inner) == "noise"


def test_signs_of_a_wide_block_are_bits():
    wide = [NOISE[at] << 4 | NOISE[at + 1] & 15 for at in range(0, 2998, 2)]
    found = decode("".join(chr(0x4E00 + value) for value in wide).encode())
    assert found is not None
    assert gate.look(found.inner) == "noise"


def test_numbers_that_count_or_measure_hold_nothing():
    rng = random.Random(3)
    assert decode(", ".join(str(70_000 + n) for n in range(900)).encode()) is None
    assert decode(", ".join(str(round(rng.gauss(0, 900))) for n in range(900)).encode()) is None


LETTERS = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@pytest.mark.parametrize(
    "text",
    [in_blocks(LETTERS, 8, 11), in_blocks(LETTERS[:36], 8, 13), in_blocks(LETTERS[:36] + b" $%*+-./:", 2, 3)],
    ids=["base 62", "base 36", "base 45"],
)
def test_digits_of_numbers_in_other_bases(text):
    found = decode(text)
    assert found is not None
    assert gate.look(found.inner) == "noise"
    assert entropy(found.inner) > 7.7


@pytest.mark.parametrize("bits", [4, 5, 6, 7])
def test_any_alphabet_of_equal_frequencies(bits):
    rng = random.Random(bits)
    alphabet = rng.sample(range(256), 1 << bits)
    found = decode(bytes(rng.choice(alphabet) for _ in range(3000)))
    assert found is not None
    assert len(found.inner) == pytest.approx(3000 * bits / 8, rel=0.02)


def test_text_is_no_encoding(text):
    assert decode(text[:8000]) is None
    assert decode(b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n" * 20) is None
    assert decode(bytes(3000)) is None


@given(st.binary(max_size=2000))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_looked_at(data):
    found = decode(data)
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


def test_a_run_of_any_alphabet_is_a_run_of_what_is_searched_first():
    for _, alphabet, _, least in decoding._ALPHABETS:
        for text in (alphabet, alphabet[:least]):
            assert in_runs(text, decoding._GRAPHIC, decoding._RUN) == len(text)


@pytest.mark.parametrize("mark", [b"-", b":", b"/"])
def test_any_mark_may_stand_between_groups(mark):
    encoded = base64.b32encode(NOISE)
    found = decode(mark.join(encoded[at : at + 8] for at in range(0, len(encoded), 8)))
    assert found is not None
    assert found.name == "base32"
    assert found.inner[:1800] == NOISE[:1800]


def test_numbers_of_letters_and_digits_apart_from_each_other():
    digits = b"0123456789abcdefghijklmnopqrstuvwxyz"
    numbers = []
    for at in range(0, len(NOISE), 6):
        number, out = int.from_bytes(NOISE[at : at + 6], "big"), b""
        while number:
            number, digit = divmod(number, 36)
            out = digits[digit : digit + 1] + out
        numbers.append(out)
    found = decode(b" ".join(numbers))
    assert found is not None
    assert found.name == "5-bit"
    assert decode(b" ".join(b"%s-%d" % (b"abc" * 2, at % 10) for at in range(300))) is None


def _token(rng: random.Random, signature: int, head: dict[str, str]) -> bytes:
    claims = {"sub": str(rng.getrandbits(40)), "iat": 1_790_000_000 + rng.getrandbits(20), "scope": "read write"}
    parts = (json.dumps(head).encode(), json.dumps(claims).encode(), rng.randbytes(signature))
    return b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)


def test_the_signature_of_a_web_token_holds_nothing():
    rng = random.Random(3)
    honest = b"".join(b"AUTH " + _token(rng, 256, {"alg": "RS256", "kid": "k1"}) + b"\n" for _ in range(12))
    assert decode(honest) is None
    for size, head in ((256, {"typ": "JWT"}), (600, {"alg": "RS256"})):  # no algorithm; a signature of any length
        found = decode(b"".join(b"AUTH " + _token(rng, size, head) + b"\n" for _ in range(12)))
        assert found is not None
        assert found.name == "base64url"


@pytest.mark.parametrize("write", [bytes.hex, base64.b64encode, repr, lambda data: " ".join(map(str, data))])
def test_noise_that_is_written_out_speaks_for_ciphertext(write: Callable[[bytes], str | bytes]):
    for size, nats in ((300, 0.0), (1200, decoding.SPELT)):
        text = write(random.Random(size).randbytes(size))
        found = decode(text if isinstance(text, bytes) else text.encode())
        assert found is not None
        assert decoding.weight(found, text if isinstance(text, bytes) else text.encode()) == nats
    assert decoding.weight(decoding.Decoding("6-bit", NOISE), b"") == 0.0  # numbers of few values are as even
