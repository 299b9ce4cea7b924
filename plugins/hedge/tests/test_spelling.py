"""Bytes written out in text come back, in any usual spelling; text, source and lists of digests hold nothing."""

import base64
import json
import quopri
import random
import re
from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pywall_hedge import alphabets, digests, spelling
from pywall_hedge.decoding import decode
from pywall_hedge.spelling import SPELLINGS, uuencoded

NOISE = random.Random(7).randbytes(3000)
LATIN = NOISE.decode("latin1")


def escape(text: str, pattern: str) -> bytes:
    return re.sub(r"[^ -~]|[\\&%]", lambda found: pattern % ord(found[0]), text).encode()


SPELT = {
    "hex apart": NOISE.hex(" ").encode(),
    "hex with colons": NOISE.hex(":").encode(),
    "hex of C": ", ".join(f"0x{byte:02x}" for byte in NOISE).encode(),
    "hex of Python": "".join(f"\\x{byte:02x}" for byte in NOISE).encode(),
    "hex of a dump": b"".join(
        b"%08x  %s\n" % (at, NOISE[at : at + 16].hex(" ").encode()) for at in range(0, len(NOISE), 16)
    ),
    "hex of Intel's records": b"".join(
        b":10%04X00%s%02X\n" % (at & 0xFFFF, NOISE[at : at + 15].hex().upper().encode(), NOISE[at + 15])
        for at in range(0, len(NOISE) - 15, 16)
    ),
    "hex of Motorola's records": b"".join(
        b"S315%08X%s%02X\r\n" % (at, NOISE[at : at + 15].hex().upper().encode(), NOISE[at + 15])
        for at in range(0, len(NOISE) - 15, 16)
    ),
    "hex of four digits": b"".join(b"%%u%s" % NOISE[at : at + 2].hex().encode() for at in range(0, len(NOISE) - 1, 2)),
    "octal": b" ".join(b"%03o" % byte for byte in NOISE),
    "binary": "".join(f"{byte:08b}" for byte in NOISE).encode(),
    "decimal": json.dumps(list(NOISE)).encode(),
    "words of 32 bits": json.dumps(
        [int.from_bytes(NOISE[at : at + 4], "big") for at in range(0, len(NOISE), 4)]
    ).encode(),
    "escapes of JSON": escape(LATIN, "\\u%04x"),
    "escapes of HTML": escape(LATIN, "&#x%02x;"),
    "quoted-printable": quopri.encodestring(NOISE),
    "percent": escape(LATIN, "%%%02X"),
}


@pytest.mark.parametrize("encoded", SPELT.values(), ids=SPELT)
def test_the_bytes_come_back(encoded):
    found = decode(encoded)
    assert found is not None
    assert found.inner[1:1000] in NOISE


def test_signed_numbers_are_bytes():
    found = decode(json.dumps([byte - 128 for byte in NOISE]).encode())
    assert found is not None
    assert bytes(byte ^ 128 for byte in found.inner)[1:1000] in NOISE


NESTED = {
    "base64 in a form": b"a=1&data="
    + base64.b64encode(NOISE).replace(b"+", b"%2B").replace(b"/", b"%2F").replace(b"=", b"%3D"),
    "base64 of hex": base64.b64encode(NOISE.hex().encode()),
    "hex of base64": base64.b64encode(NOISE).hex().encode(),
}


@pytest.mark.parametrize("encoded", NESTED.values(), ids=NESTED)
def test_encodings_within_encodings_are_undone(encoded):
    found = decode(encoded)
    assert found is not None
    assert " in " in found.name
    assert NOISE[:2800] in found.inner


def test_characters_of_a_wider_alphabet_are_bytes():
    found = decode("".join(chr(256 + byte) for byte in NOISE).encode())
    assert found is not None
    assert found.inner == NOISE


@pytest.mark.parametrize("size", [300, 3000])
def test_utf_7_is_undone(size):
    data = random.Random(size).randbytes(size)
    assert decode(data.decode("latin-1").encode("utf-7")) == ("utf-7", data)
    groups = [data[at : at + 24] for at in range(0, size // 24 * 24, 24)]
    text = b" ".join(b"+" + base64.b64encode(group) + b"-" for group in groups)
    assert decode(text) == ("utf-7", b"".join(groups))
    assert decode("\n".join(["caf\u00e9 au lait, cr\u00e8me"] * 40).encode("utf-7")) is None


@given(st.text("+-Aab/9 ,\u00e9", max_size=80))
def test_what_only_looks_like_utf_7_raises_nothing(text):
    decode((text * 8).encode())


def test_addresses_hold_bytes_when_they_are_nobodys():
    rng = random.Random(6)
    anybodys = [rng.randbytes(16) for _ in range(150)]
    for text in ("\n".join(map(str, map(IPv6Address, anybodys))), json.dumps([str(IPv6Address(a)) for a in anybodys])):
        found = decode(text.encode())
        assert found is not None
        assert found.name == "ipv6"
        assert len(set(anybodys) & {found.inner[at : at + 16] for at in range(0, len(found.inner), 16)}) >= 145
    networks = [0x2A02 << 112 | rng.getrandbits(24) << 88 | rng.getrandbits(64) for _ in range(150)]
    assert decode("\n".join(map(str, map(IPv6Address, networks))).encode()) is None


def test_dotted_numbers_hold_bytes_when_they_are_no_hosts():
    rng = random.Random(4)
    anybodys = [rng.randbytes(4) for _ in range(300)]
    hosts = [bytes((rng.choice([5, 45, 91, 185, 212]), *rng.randbytes(3))) for _ in range(300)]
    for write in ("\n".join, json.dumps, ", ".join):
        found = decode(write([str(IPv4Address(address)) for address in anybodys]).encode())
        assert found is not None
        assert found.name == "decimal"
        assert found.inner[:1199] == b"".join(anybodys)[:1199]
        assert decode(write([str(IPv4Address(address)) for address in hosts]).encode()) is None


@pytest.mark.parametrize("mark", [":", "-"])
def test_six_pairs_a_line_are_no_address_of_ipv6(mark):
    lines = "\n".join(NOISE[at : at + 6].hex(mark) for at in range(0, len(NOISE), 6))
    assert decode(lines.encode()) == ("hex", NOISE)


@pytest.mark.parametrize(("name", "spell"), SPELLINGS, ids=[name for name, _ in SPELLINGS])
@given(data=st.binary(max_size=600))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_looked_at(name, spell, data):
    found = spell(data)
    assert found is None or isinstance(found, bytes)


def test_text_holds_nothing(text):
    for start in range(0, 40_000, 4000):
        assert decode(text[start : start + 4000]) is None


@pytest.mark.parametrize(
    ("pattern", "characters"),
    [
        (spelling._PAIRS, spelling._OF_HEXADECIMAL),
        (spelling._QUADS, spelling._OF_HEXADECIMAL),
        (spelling._DUMP, spelling._OF_HEXADECIMAL),
        (spelling._NUMBERS, spelling._OF_DECIMAL),
        (spelling._WIDE, spelling._OF_INTEGERS),
        (spelling._BITS, b"01"),
        (digests._HEX_TOKEN, alphabets.HEXADECIMAL),
    ],
)
@given(data=st.data())
@settings(max_examples=50)
def test_what_is_searched_for_consists_of_its_characters(pattern, characters, data):
    """So a text with fewer of them needs no search."""
    found = data.draw(st.from_regex(pattern, fullmatch=True))
    assert spelling.share(found, characters) == 1


def test_lines_of_letters_are_no_uuencode():
    """They would hold more than there is of them."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    numbers = ("".join(random.Random(at).choices(digits, k=11)) for at in range(300))
    assert uuencoded("\n".join(numbers).encode()) is None


@pytest.mark.parametrize("size", [8, 6])
@pytest.mark.parametrize("mark", ["\n", " "])
def test_pairs_with_colons_are_no_addresses_of_ipv6(size, mark):
    text = mark.join(NOISE[at : at + size].hex(":") for at in range(0, len(NOISE) // size * size, size))
    found = decode(text.encode())
    assert found is not None
    assert found.inner[:2900] == NOISE[:2900]


def test_numbers_in_quotes_are_numbers_with_blanks_and_without():
    for separators in ((",", ":"), (", ", ": ")):
        text = json.dumps([str(byte) for byte in NOISE], separators=separators)
        assert decode(text.encode()) == ("decimal", NOISE)
