"""A glance at one payload."""

import random

from pywall_hedge.gate import look, text_in_front


def test_text_plain_and_noise(text):
    rng = random.Random(1)
    assert look(text[:500]) == "text"
    assert look("Größe: übermäßig, ça va, こんにちは世界 こんにちは".encode()) == "text"
    assert look(b"") == "plain"
    assert look(bytes(400)) == "plain"
    assert look(bytes(rng.choice(b"\x00\x01\x02\xff") for _ in range(400))) == "plain"
    assert all(look(rng.randbytes(size)) == "noise" for size in (16, 40, 64, 200, 1448))


def test_padding_does_not_make_noise_plain():
    noise = random.Random(2).randbytes(200)
    assert look(noise + bytes(1200)) == "noise"
    assert look(bytes(600) + noise) == "noise"


def test_text_in_front():
    assert text_in_front(b"PUT name 4711\r\n\x80\x81") == 15
    assert text_in_front(b"PUT\r\n\x80\x81") == 0
    assert text_in_front(b"\x00PUT name 4711\r\n") == 0
