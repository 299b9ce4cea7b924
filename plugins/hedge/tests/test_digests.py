"""Digests, identifiers and signatures in text hold nothing."""

import base64
import hashlib
import json
import random
import uuid

import pytest
from pywall_hedge import StreamClassifier
from pywall_hedge.decoding import SPELT, Decoding, decode, weight
from pywall_hedge.digests import lists_digests, names_things, without_signatures

NOISE = random.Random(7).randbytes(3000)


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_a_list_of_digests_stands_for_things(algorithm):
    lines = [
        f"{hashlib.new(algorithm, b'%d' % n, usedforsecurity=False).hexdigest()}  usr/share/doc/part{n}.txt\n"
        for n in range(30)
    ]
    text = "".join(lines).encode()
    assert lists_digests(text) or len(text) > 3 * 128 * 30  # long digests are most of a line
    assert decode(text) is None or algorithm == "sha512"


def test_digests_in_base64_in_lines_of_names_stand_for_things():
    rng = random.Random(9)
    shadow = [b"user%d:$2b$12$%s:19000:0:99999:7:::" % (n, base64.b64encode(rng.randbytes(40))[:53]) for n in range(60)]
    key = base64.b64encode(b"\0\0\0\x0bssh-ed25519\0\0\0 " + rng.randbytes(32))
    hosts = [
        b"|1|%s|%s ssh-ed25519 %s" % (*(base64.b64encode(rng.randbytes(20)) for _ in "ab"), key) for _ in range(20)
    ]
    for lines in (shadow, hosts):
        assert lists_digests(b"\n".join(lines))
    assert not lists_digests(b"\n".join(base64.b64encode(rng.randbytes(32)) for _ in range(60)))
    assert not lists_digests(b"\n".join(b"k%d: %s" % (n, base64.b64encode(rng.randbytes(48))) for n in range(60)))


def test_identifiers_with_hyphens_and_tokens_stand_for_things():
    rng = random.Random(8)
    rows = [
        {"id": str(uuid.UUID(int=rng.getrandbits(128))), "token": rng.randbytes(32).hex(), "n": n} for n in range(9)
    ]
    assert lists_digests("\n".join(map(json.dumps, rows)).encode())
    assert not lists_digests("\n".join(row["id"] for row in rows).encode())
    assert decode("\n".join(map(json.dumps, rows)).encode()) is None


@pytest.mark.parametrize(("form", "bits"), [("%016x", 64), ("%024x", 96), ("%035X", 140)])
def test_identifiers_and_digests_without_their_beginning_stand_for_things(form, bits):
    rng = random.Random(bits)
    rows = "".join(form % rng.getrandbits(bits) + f":{rng.randrange(900)}\r\n" for _ in range(80)).encode()
    assert lists_digests(rows)
    assert decode(rows) is None


def test_digits_alone_are_no_list_of_digests():
    assert not lists_digests(NOISE.hex().encode())
    assert not lists_digests(b"\n".join(NOISE[at : at + 32].hex().encode() for at in range(0, 3000, 32)))


@pytest.mark.parametrize(
    "line",
    [
        lambda rng: str(uuid.UUID(int=rng.getrandbits(128))),
        lambda rng: rng.randbytes(20).hex(),
        lambda rng: rng.randbytes(32).hex().upper(),
        lambda rng: base64.b64encode(rng.randbytes(32)).decode(),
    ],
    ids=["uuid", "sha1", "sha256", "base64"],
)
@pytest.mark.parametrize("write", ["\n".join, json.dumps], ids=["lines", "json"])
def test_a_bare_list_of_digests_is_not_written_out_noise(line, write):
    rng = random.Random(5)
    text = write([line(rng) for _ in range(60)]).encode()
    assert names_things(text)
    assert weight(Decoding("hex", rng.randbytes(1200)), text) == 0.0


def test_noise_in_lines_is_no_list_of_digests():
    text = "\n".join(NOISE[at : at + 30].hex() for at in range(0, 3000, 30)).encode()
    assert not names_things(text)
    assert weight(Decoding("hex", NOISE), text) == SPELT
    assert not names_things(b"")


@pytest.mark.parametrize("cut", range(9, 24))
def test_a_web_token_that_was_cut_off_raises_nothing(cut):
    token = b"eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"[:cut] + b".eyJzdWIiOiJ4In0a." + b"A" * 60
    assert without_signatures(b"log: " + token + b" truncated\n") == b"log: " + token + b" truncated\n"
    decode((b"log: " + token + b" truncated\n") * 3)


def _ssh_key(rng, size=384):
    return base64.b64encode(
        b"\0\0\0\x07ssh-rsa\0\0\0\3\1\0\1" + (size + 1).to_bytes(4, "big") + b"\0" + rng.randbytes(size)
    )


@pytest.mark.parametrize("size", [256, 384, 512])
def test_lines_of_public_keys_stand_for_whom_they_let_in(size):
    rng = random.Random(3)
    text = b"".join(b"ssh-rsa %s user%d@host%d\n" % (_ssh_key(rng, size), n, n) for n in range(6))
    assert lists_digests(text)
    assert decode(text) is None


def _key_lines(rng, size, number):
    return b"".join(b"ssh-rsa %s user%d@host%d\n" % (_ssh_key(rng, size), n, n) for n in range(number))


def test_a_key_has_at_most_16384_bits():
    assert lists_digests(_key_lines(random.Random(3), 1024, 4))
    assert not lists_digests(_key_lines(random.Random(3), 2100, 4))


def _settles(text):
    classifier = StreamClassifier(stream=True)
    for at in range(0, len(text), 1448):
        classifier.update(text[at : at + 1448], True)
        if classifier.settled():
            return True
    return False


@pytest.mark.parametrize("size", [256, 384, 512])
def test_keys_are_not_believed_for_ever(size):
    texts = [_key_lines(random.Random(seed), size, 40_000 // size) for seed in range(10)]
    assert not any(_settles(text[:11_000]) for text in texts)
    assert sum(map(_settles, texts)) >= 5


def test_a_name_that_no_type_of_key_has_is_none():
    rng = random.Random(3)
    keys = [base64.b64encode(b"\0\0\0\x07ssh-abc\0\0\0\3\1\0\1\0\0\1\1\0" + rng.randbytes(256)) for _ in range(6)]
    assert not lists_digests(b"".join(b"ssh-abc %s user@host\n" % key for key in keys))


def test_what_only_begins_like_a_key_is_none():
    rng = random.Random(3)
    text = b"".join(b"ssh-rsa AAAA%s user%d\n" % (base64.b64encode(rng.randbytes(384)), n) for n in range(6))
    assert not lists_digests(text)
