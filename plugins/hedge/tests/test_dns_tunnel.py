"""How much the names below a domain could carry."""

import base64
import random

from hypothesis import given
from hypothesis import strategies as st
from pywall_hedge.dns_tunnel import MOST_DOMAINS, DnsTunnels, split_domain

CLIENT = bytes((192, 0, 2, 1))


def name_of(*labels):
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\0"


def question(*labels, kind=1):
    return bytes.fromhex("1234 0100 0001 0000 0000 0000") + name_of(*labels) + kind.to_bytes(2, "big") + b"\0\1"


def answer(*labels, kind=1, data=b"\x7f\0\0\1"):
    asked = name_of(*labels) + kind.to_bytes(2, "big") + b"\0\1"
    record = b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1\0\0\0\x3c" + len(data).to_bytes(2, "big") + data
    return bytes.fromhex("1234 8180 0001 0001 0000 0000") + asked + record


def score(messages, apart=0.05):
    """Return the best score, and the bytes until it was 0.9, None without."""
    tunnels = DnsTunnels()
    best, size, reached = 0.0, 0, None
    for number, message in enumerate(messages):
        size += len(message)
        best = max(best, tunnels.add(CLIENT, message, number * apart)[0])
        if best >= 0.9 and reached is None:
            reached = size
    return best, reached


def label(noise, size):
    return base64.b32encode(noise.randbytes(size)).lower().rstrip(b"=")


def test_data_in_long_names_is_seen_within_16_kilobytes():
    noise = random.Random(1)
    names = [(label(noise, 36), label(noise, 36), b"t", b"example", b"org") for _ in range(80)]
    _, reached = score([message for name in names for message in (question(*name), answer(*name))])
    assert reached is not None
    assert reached < 16384


def test_data_in_answers_to_names_that_never_come_again_are_seen():
    noise = random.Random(2)
    messages = []
    for number in range(60):
        name = (b"pq%05d" % number, b"t", b"example", b"org")
        messages += [question(*name, kind=16), answer(*name, kind=16, data=b"\xc8" + noise.randbytes(200))]
    _, reached = score(messages)
    assert reached is not None
    assert reached < 16384


def test_names_of_everyday_are_not():
    noise = random.Random(3)
    hosts = [b"www", b"mail", b"api", b"cdn", b"static", b"img", b"login", b"autodiscover", b"_dmarc", b"a1", b"b2"]
    everyday = [question(noise.choice(hosts), b"site%d" % noise.randrange(40), b"com") for _ in range(2000)]
    assert score(everyday, 0.2)[0] == 0
    spread = [(b"d%013x" % noise.randrange(1 << 52), b"cloudfront", b"net") for _ in range(60)]
    videos = [(b"r%d---sn-%s" % (noise.randrange(20), label(noise, 5)), b"googlevideo", b"com") for _ in range(60)]
    akamai = [(b"e%d" % noise.randrange(9999), b"dscb", b"akamaiedge", b"net") for _ in range(60)]
    for names in (spread, videos, akamai):
        assert score([m for name in names for m in (question(*name), answer(*name))], 1.0)[0] < 0.3


def test_reverse_names_and_block_lists_are_not():
    noise = random.Random(4)
    six = [(*(b"%x" % noise.randrange(16) for _ in range(32)), b"ip6", b"arpa") for _ in range(300)]
    lists = [(*(b"%d" % noise.randrange(256) for _ in range(4)), b"zen", b"list", b"example") for _ in range(300)]
    keys = [(b"s%d" % n, b"_domainkey", b"site%d" % n, b"com") for n in range(100)]
    texts = [answer(*name, kind=16, data=b"\xff" + label(noise, 240)) for name in keys]
    for messages in ([question(*name) for name in six], [question(*name) for name in lists], texts):
        assert score(messages)[0] < 0.3


def test_a_score_fades():
    noise = random.Random(5)
    tunnels = DnsTunnels()
    for number in range(100):
        tunnels.add(CLIENT, question(label(noise, 39), b"t", b"example", b"org"), number / 10)
    assert tunnels.add(CLIENT, question(b"www", b"example", b"org"), 10.0)[0] > 0.9
    assert tunnels.add(CLIENT, question(b"www", b"example", b"org"), 20000.0)[0] < 0.1
    assert tunnels.add(bytes(4), question(b"www", b"example", b"org"), 10.0)[0] == 0


def test_memory_is_bounded():
    tunnels = DnsTunnels()
    for number in range(MOST_DOMAINS + 500):
        tunnels.add(CLIENT, question(b"a", b"d%d" % number, b"org"), 0.0)
    assert len(tunnels) == MOST_DOMAINS


def test_the_registered_domain():
    assert split_domain([b"a", b"b", b"example", b"org"]) == ([b"a", b"b"], b"example.org")
    assert split_domain([b"a", b"Example", b"co", b"uk"]) == ([b"a"], b"example.co.uk")
    assert split_domain([b"org"]) == ([], b"org")


@given(st.binary(min_size=12, max_size=600))
def test_any_message_is_taken(message):
    score_now, _ = DnsTunnels().add(CLIENT, message, 0.0)
    assert 0 <= score_now <= 1
