"""What the first message of a stream says about where it ends."""

from __future__ import annotations

import random
import struct

import pytest
from pywall_hedge import StreamClassifier, stream
from pywall_hedge.beginning import LONGEST, SHORTEST, is_bare, is_exchange, is_sealed

NOISE = random.Random(11).randbytes(241)


def test_noise_from_the_first_byte_tells_nothing() -> None:
    assert is_bare(NOISE)


@pytest.mark.parametrize(
    "message",
    [
        struct.pack(">H", 241) + NOISE,
        struct.pack("<H", 243) + NOISE,
        b"\x07\x81" + struct.pack(">H", 241) + NOISE,
        b"\xf1\x01" + NOISE,
        b"\x01\xf1" + NOISE,
        bytes((len(NOISE[:150]),)) + NOISE[:150],
        b"\x9a\xc4\0\x07" + NOISE,
        b"HELLO\r\n" + NOISE,
        NOISE + b"\n",
        NOISE[: SHORTEST - 1],
        NOISE * 5,
        NOISE[:128],
    ],
    ids=[
        "big",
        "little",
        "type",
        "varint",
        "seven-bits",
        "byte",
        "zero",
        "text",
        "line",
        "token",
        "part-of-a-file",
        "key",
    ],
)
def test_what_tells_its_end_is_not_bare(message: bytes) -> None:
    assert not is_bare(message)
    assert LONGEST < 1200


def _blocked(over_tcp: bool, *, header: bytes = b"", answered: bool = False) -> int:
    settled = 0
    for seed in range(40):
        rng = random.Random(seed)
        classifier = StreamClassifier(stream=over_tcp)
        classifier.update(header + rng.randbytes(rng.randrange(150, 300)), True)
        if answered:
            classifier.update(rng.randbytes(rng.randrange(150, 300)), False)
        settled += classifier.settled()
    return settled


def test_short_flows_of_noise_are_settled_over_tcp() -> None:
    assert _blocked(True) >= 24
    assert _blocked(True, answered=True) >= 36


def test_a_datagram_ends_by_itself() -> None:
    assert _blocked(False) == 0


def test_a_connection_met_midway_has_no_beginning() -> None:
    classifier = StreamClassifier(stream=True, start_seen=False)
    classifier.update(NOISE, True)
    assert not classifier.settled()


def _zip(flags: int) -> bytes:
    return b"PK\3\4" + struct.pack("<HHHIIIIHH", 20, flags, 8, 0, 7, 9000, 9900, 5, 0) + b"a.txt"


SEALED = {
    "openssl": b"Salted__",
    "luks": b"LUKS\xba\xbe\0\1",
    "age": b"age-encryption.org/v1\n-> X25519 c29tZWJvZHk\n--- bWFj\n",
    "zip": _zip(1),
}


@pytest.mark.parametrize("name", SEALED)
def test_what_says_that_it_is_encrypted_is_found_earlier(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    through = []
    for weight in (stream.SEALED, 0.0):
        monkeypatch.setattr(stream, "SEALED", weight)
        through.append(0)
        for seed in range(12):
            classifier, data = StreamClassifier(), SEALED[name] + random.Random(seed).randbytes(16_000)
            classifier.update(b"STORE backup.bin\n")
            for at in range(0, len(data), 1448):
                if not classifier.settled():
                    classifier.update(data[at : at + 1448])
                    through[-1] += 1448
    assert is_sealed(SEALED[name] + bytes(30))
    assert through[0] < 0.8 * through[1]


def test_an_open_zip_or_text_is_not_sealed() -> None:
    assert not is_sealed(_zip(0) + NOISE)
    assert not is_sealed(b"Salted peanuts, " * 20)
    classifier = StreamClassifier()
    classifier.update(b"Salted__" + b"and yet nothing but words and words. " * 40)
    assert classifier.own_odds < 0


@pytest.mark.parametrize("size", [160, 192, 224, 288])
def test_messages_of_multiples_of_32_are_no_pass(size: int) -> None:
    settled = 0
    for seed in range(20):
        rng = random.Random(seed)
        classifier = StreamClassifier(stream=True)
        for length in (size, 64):
            classifier.update(rng.randbytes(length), True)
            classifier.update(rng.randbytes(length), False)
        settled += classifier.settled()
    assert settled >= 18


def test_an_answer_to_text_may_have_a_size_that_both_know() -> None:
    for seed in range(20):
        rng = random.Random(seed)
        classifier = StreamClassifier(stream=True)
        classifier.update(b"SIGN report-7 with key 4, if you please\r\n", True)
        classifier.update(rng.randbytes(256), False)
        assert not classifier.settled()


@pytest.mark.parametrize(
    ("client", "server", "expected"),
    [
        ([128], [128], True),
        ([260], [264], True),
        ([136], [152], True),
        ([67], [515], True),
        ([256, 32], [256, 32], True),
        ([256, 64], [256, 64], False),
        ([192], [192], False),
        ([384], [384], False),
        ([512], [512], False),
        ([128, 32], [128, 32], True),
        ([128, 90], [128], False),
        ([171], [150], False),
        ([128], [], False),
        ([230], [128], False),
    ],
)
def test_an_exchange_of_keys_is_one_message_each(client: list[int], server: list[int], expected: bool) -> None:
    assert is_exchange(client, server) is expected


@pytest.mark.parametrize("size", [128, 256])
def test_random_numbers_before_talk_in_clear_are_no_ciphertext(size: int) -> None:
    for seed in range(20):
        rng = random.Random(seed)
        classifier = StreamClassifier(stream=True)
        classifier.update(rng.randbytes(size), True)
        classifier.update(rng.randbytes(size), False)
        for number in range(20):
            classifier.update(b"say hello %d from the hall\n" % number, True)
        assert not classifier.settled()
        classifier.update(rng.randbytes(400), True)
        classifier.update(rng.randbytes(700), False)
        assert classifier.settled()
