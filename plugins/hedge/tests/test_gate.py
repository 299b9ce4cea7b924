"""A glance at one payload."""

import random

import pytest
from pywall_hedge.gate import look, read, text_in_front


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


def test_utf8_in_the_middle_of_a_character_is_text():
    written = "".join(chr(0x2800 + byte) for byte in random.Random(3).randbytes(400)).encode()
    assert {look(written[start : start + 300]) for start in range(6)} == {"text"}


@pytest.mark.parametrize("order", ["utf-16-le", "utf-16-be"])
def test_utf16_is_read_as_the_same_text_in_utf8(order):
    written = "北京市朝阳区人民路一百二十号，" * 6
    assert read(written.encode(order)) == ("text", written.encode())
    noise = random.Random(4)
    assert {read(noise.randbytes(400))[0] for _ in range(500)} == {"noise"}
