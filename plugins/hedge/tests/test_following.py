"""A structure is followed through payloads until it breaks off."""

import gzip
import random
import struct

from pywall_hedge.following import KEPT, Follower


def follow(payloads):
    follower = Follower()
    broken = []
    for payload in payloads:
        if follower.ended:
            break
        follower.add(payload)
        if follower.due:
            broken += follower.look()
    return follower, broken


def packets(data, size=1448):
    return [data[at : at + size] for at in range(0, len(data), size)]


def test_a_file_is_followed_to_the_end_of_what_is_kept(text):
    follower, broken = follow(packets(gzip.compress(random.Random(1).randbytes(100) + text * 8, 1)))
    assert follower.name == "gzip"
    assert not broken


def test_what_came_since_the_last_look_is_handed_out_when_it_breaks(products):
    noise = random.Random(1).randbytes(20_000)
    follower, broken = follow(packets(products["png"][:3000] + noise))
    assert follower.ended
    assert follower.name is None
    assert broken
    assert noise[-1448 * 8 :].startswith(broken[-1][:8]) or broken[-1] in noise


def test_a_file_in_chunks_with_headers(products):
    chunks = packets(products["png"], 4096)
    messages = [struct.pack(">II", number, len(chunk)) + chunk for number, chunk in enumerate(chunks)]
    follower, broken = follow([part for message in messages for part in packets(message)])
    assert follower.name == "png"
    assert not broken


def test_the_file_itself_may_have_a_header_in_the_first_chunk(products):
    for name in ("lzma", "gzip"):
        chunks = packets(b"OBJ\0v2\0\0" + struct.pack("<QQ", 99_999, len(products[name])) + products[name], 512)
        messages = [struct.pack(">BBHI", 2, 0, number, 512 * number) + chunk for number, chunk in enumerate(chunks)]
        follower, broken = follow(messages)
        assert follower.name == name
        assert not broken


def test_noise_is_given_up():
    follower, _ = follow(packets(random.Random(2).randbytes(5000)))
    assert follower.ended
    assert follower.name is None
    assert KEPT == 65536
