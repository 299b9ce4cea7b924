"""Names, records and pings under `strict-carriers`: 16 KB of ciphertext never come to their end, honest ones do.

One row a kind: what differs between rows is how the same bytes are spelt, spread and timed.
"""

import base64
import ipaddress
import random
from pathlib import Path

import pytest

from pywall_core.testing import conversation, ip_packet

from .carriers import pieces, through

NOISE = random.Random(11).randbytes(16384)
TEXT = Path(random.__file__).read_bytes() + Path(base64.__file__).read_bytes()
CLIENT = ("192.0.2.1", 40000)


def labels(text, size=60):
    return pieces(text, size)


def name(*parts):
    return b"".join(bytes((len(part),)) + part for part in parts) + b"\0"


def question(number, parts, kind):
    return (
        number.to_bytes(2, "big")
        + bytes.fromhex("0100 0001 0000 0000 0000")
        + name(*parts)
        + kind.to_bytes(2, "big")
        + b"\0\1"
    )


def reply(number, parts, kind, data=b"", records=1):
    asked = name(*parts) + kind.to_bytes(2, "big") + b"\0\1"
    record = b"\xc0\x0c" + kind.to_bytes(2, "big") + b"\0\1\0\0\0\x3c" + len(data).to_bytes(2, "big") + data
    many = (records if data else 0).to_bytes(2, "big")
    return number.to_bytes(2, "big") + b"\x81\x80\0\1" + many + bytes(4) + asked + (record * records if data else b"")


def exchanges(pairs, wait=0.05, sockets=False):
    """Questions and answers over UDP, on one socket or each on its own."""
    out, now = [], 1_700_000_000.0
    for number, (asked, told) in enumerate(pairs):
        client = "192.0.2.1", 40000 + (number if sockets else 0)
        talk = conversation("udp", client=client, server=("198.51.100.1", 53), start=now)
        out += talk.client(asked).server(told).packets()
        now += wait
    return out


def over_tcp(pairs):
    said = [len(m).to_bytes(2, "big") + m for pair in pairs for m in pair]
    talk = conversation(client=CLIENT, server=("198.51.100.1", 53))
    for number, data in enumerate(said):
        talk = talk.server(data) if number % 2 else talk.client(data)
    return list(talk.close())


def b32(data):
    return base64.b32encode(data).rstrip(b"=").lower()


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def hexed(data):
    return data.hex().encode()


def asks(spell=b32, size=90, per_label=60, domains=1, kind=1, cname=False):
    """16 KB in names that are asked."""
    pairs = []
    for number, part in enumerate(pieces(NOISE, size)):
        parts = (
            *labels(spell(part), per_label),
            b"t%d" % (number % domains),
            b"example%d" % (number % domains),
            b"org",
        )
        pairs.append((question(number, parts, kind), reply(number, parts, kind, b"\x7f\0\0\1" if kind == 1 else b"")))
    return pairs


def tells(kind, size=200, spell=bytes, domains=1, records=1, ask=b"q%d"):
    """16 KB in answers to short names."""
    pairs = []
    for number, part in enumerate(pieces(NOISE, size)):
        parts = (ask % number if b"%" in ask else ask, b"t", b"example%d" % (number % domains), b"org")
        data = spell(part)
        pairs.append((question(number, parts, kind), reply(number, parts, kind, data, records)))
    return pairs


def txt(data):
    return b"".join(bytes((len(part),)) + part for part in pieces(data, 255))


def cname(data):
    return name(*labels(b32(data)), b"t", b"org")


def addresses(parts, kind=1):
    pairs, size = [], 4 if kind == 1 else 16
    for number, part in enumerate(parts):
        asked = (b"q%d" % number, b"t", b"example", b"org")
        records = b"".join(
            b"\xc0\x0c"
            + kind.to_bytes(2, "big")
            + b"\0\1\0\0\0\x3c"
            + size.to_bytes(2, "big")
            + piece.ljust(size, b"\0")
            for piece in pieces(part, size)
        )
        count = -(-len(part) // size)
        told = (
            number.to_bytes(2, "big")
            + b"\x81\x80\0\1"
            + count.to_bytes(2, "big")
            + bytes(4)
            + name(*asked)
            + kind.to_bytes(2, "big")
            + b"\0\1"
            + records
        )
        pairs.append((question(number, asked, kind), told))
    return pairs


DNS = {
    "base32 names": lambda: exchanges(asks()),
    "base64 names": lambda: exchanges(asks(b64)),
    "hex names": lambda: exchanges(asks(hexed, 60)),
    "short hex names": lambda: exchanges(asks(hexed, 16, 32)),
    "short base32 names": lambda: exchanges(asks(size=20)),
    "labels of 10": lambda: exchanges(asks(size=60, per_label=10)),
    "labels of 4": lambda: exchanges(asks(size=60, per_label=4)),
    "names asked for TXT": lambda: exchanges(asks(kind=16)),
    "names over TCP": lambda: over_tcp(asks()),
    "names from many sockets": lambda: exchanges(asks(), sockets=True),
    "names under 4 domains": lambda: exchanges(asks(domains=4)),
    "names under 8 domains": lambda: exchanges(asks(domains=8)),
    "names under 16 domains": lambda: exchanges(asks(domains=16)),
    "names under 64 domains": lambda: exchanges(asks(domains=64)),
    "a name each second": lambda: exchanges(asks(), wait=1),
    "a name each 5 seconds": lambda: exchanges(asks(), wait=5),
    "a name each 30 seconds": lambda: exchanges(asks(), wait=30),
    "a name each minute": lambda: exchanges(asks(), wait=60),
    "TXT": lambda: exchanges(tells(16, spell=txt)),
    "TXT base64": lambda: exchanges(tells(16, 150, lambda p: txt(base64.b64encode(p)))),
    "TXT large": lambda: over_tcp(tells(16, 2000, txt)),
    "TXT of one name": lambda: exchanges(tells(16, spell=txt, ask=b"q")),
    "TXT of 8 domains": lambda: exchanges(tells(16, spell=txt, domains=8)),
    "TXT over TCP": lambda: over_tcp(tells(16, spell=txt)),
    "TXT small": lambda: exchanges(tells(16, 30, txt)),
    "NULL": lambda: exchanges(tells(10, 500)),
    "private type": lambda: exchanges(tells(65399, 500)),
    "CNAME": lambda: exchanges(tells(5, 100, cname)),
    "CNAME over TCP": lambda: over_tcp(tells(5, 100, cname)),
    "MX": lambda: exchanges(tells(15, 100, lambda p: b"\0\1" + cname(p))),
    "SRV": lambda: exchanges(tells(33, 100, lambda p: bytes(6) + cname(p))),
    "NS": lambda: exchanges(tells(2, 100, cname)),
    "PTR": lambda: exchanges(tells(12, 100, cname)),
    "CAA": lambda: exchanges(tells(257, 200)),
    "DNSKEY": lambda: exchanges(tells(48, 200)),
    "HTTPS": lambda: exchanges(tells(65, 200)),
    "SSHFP": lambda: exchanges(tells(44, 200)),
    "unassigned type": lambda: exchanges(tells(3000, 200)),
    "A records": lambda: exchanges(addresses(pieces(NOISE, 40))),
    "A records, many": lambda: exchanges(addresses(pieces(NOISE, 100))),
    "one A record": lambda: exchanges(addresses(pieces(NOISE, 4))),
    "AAAA records": lambda: exchanges(addresses(pieces(NOISE, 160), 28)),
    "one AAAA record": lambda: exchanges(addresses(pieces(NOISE, 16), 28)),
}


def pings(requests, answers=None, six=False, step=1):
    """Echo requests and what is answered (None: the same)."""
    source, target = ("2001:db8::1", "2001:db8::2") if six else ("192.0.2.1", "198.51.100.1")
    out = []
    for number, data in enumerate(requests):
        head = b"\x12\x34" + (number * step % 65536).to_bytes(2, "big")
        told = data if answers is None else answers[number]
        for kind, one, other, payload in ((0, source, target, data), (1, target, source, told)):
            first = ((128, 129) if six else (8, 0))[kind]
            message = bytes((first, 0, 0, 0)) + head + payload
            pseudo = b""
            if six:
                pseudo = (
                    b"".join(ipaddress.ip_address(a).packed for a in (one, other))
                    + len(message).to_bytes(4, "big")
                    + b"\0\0\0\x3a"
                )
            total = checksum(pseudo + message).to_bytes(2, "big")
            out.append(ip_packet(one, other, 58 if six else 1, message[:2] + total + message[4:]))
    return out


def checksum(message):
    total = sum(int.from_bytes(message[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(message), 2))
    total = (total & 0xFFFF) + (total >> 16)
    return 0xFFFF - (total & 0xFFFF) - (total >> 16)


PATTERN = bytes(range(56))
PINGS = {
    f"{kind}{' over IPv6' if six else ''}": (lambda make=make, six=six: make(six))
    for six in (False, True)
    for kind, make in {
        "large": lambda six: pings(pieces(NOISE, 1300), six=six),
        "usual size": lambda six: pings(pieces(NOISE, 56), six=six),
        "small": lambda six: pings(pieces(NOISE, 16), six=six),
        "tiny": lambda six: pings(pieces(NOISE, 4), six=six),
        "behind a clock": lambda six: pings(
            [n.to_bytes(8, "little") + p for n, p in enumerate(pieces(NOISE, 48))], six=six
        ),
        "answers alone": lambda six: pings([PATTERN] * 293, pieces(NOISE, 56), six=six),
        "answers alone, large": lambda six: pings([PATTERN] * 13, pieces(NOISE, 1300), six=six),
        "answers to empty requests": lambda six: pings([b""] * 17, pieces(NOISE, 1000), six=six),
        "requests alone": lambda six: pings(pieces(NOISE, 1000), [b""] * 17, six=six),
        "requests alone, small": lambda six: pings(pieces(NOISE, 40), [b""] * 410, six=six),
        "both ways": lambda six: pings(pieces(NOISE[:8192], 64), pieces(NOISE[8192:], 64), six=six),
        "base64": lambda six: pings(pieces(base64.b64encode(NOISE), 800), six=six),
        "hex": lambda six: pings(pieces(hexed(NOISE), 56), six=six),
        "text": lambda six: pings(pieces(TEXT[:16384], 56), six=six),
        "behind a pattern": lambda six: pings([PATTERN + p for p in pieces(NOISE, 64)], six=six),
        "a few among honest ones": lambda six: pings([d for p in pieces(NOISE, 56) for d in (PATTERN, p)], six=six),
        "sent back behind others": lambda six: pings([*pieces(NOISE, 56)], [b"ok" * 28] * 293, six=six),
    }.items()
}


@pytest.mark.parametrize("kind", DNS)
def test_what_names_and_records_carry_is_cut_before_its_end(kind):
    share, flows = through(DNS[kind]())
    assert share < 1, flows


@pytest.mark.parametrize("kind", PINGS)
def test_what_pings_carry_is_cut_before_its_end(kind):
    share, flows = through(PINGS[kind]())
    assert share < 1, flows


def browsing(rng):
    """Names of a network that spreads content: new ones, each with a chain and addresses of a few networks."""
    pairs = []
    for number in range(150):
        parts = (b"d%013x" % rng.randrange(1 << 52), b"cloudfront", b"net")
        pairs.append(
            (
                question(number, parts, 1),
                reply(number, parts, 1, bytes((13, 224, rng.randrange(20), rng.randrange(256))), 4),
            )
        )
        site = (b"www", b"site%d" % rng.randrange(60), b"com")
        pairs.append((question(number, site, 65), reply(number, site, 65, bytes(20) + NOISE[:80])))
    return pairs


def mail_server(rng):
    """Lists of senders, reverse names, and keys and policies of many domains."""
    pairs = []
    for number in range(250):
        four = tuple(b"%d" % rng.randrange(256) for _ in range(4))
        six = tuple(b"%x" % rng.randrange(16) for _ in range(32))
        listed = b"\x7f\0\0" + bytes((2 + number % 9,))
        for parts, kind, data in (
            ((*four, b"zen", b"list", b"example"), 1, listed),
            ((*six, b"bl", b"list", b"example"), 1, listed),
            (
                (*four, b"in-addr", b"arpa"),
                12,
                name(b"host-%d-%d" % (rng.randrange(256), number), b"isp%d" % (number % 40), b"net"),
            ),
            ((*six, b"ip6", b"arpa"), 12, name(b"mail%d" % number, b"example", b"org")),
            (
                (b"sel%d" % (number % 3), b"_domainkey", b"site%d" % number, b"com"),
                16,
                txt(b"v=DKIM1; k=rsa; p=" + base64.b64encode(rng.randbytes(270))),
            ),
            (
                (b"_dmarc", b"site%d" % number, b"com"),
                16,
                txt(b"v=DMARC1; p=reject; rua=mailto:dmarc@site%d.com" % number),
            ),
            ((b"mx%d" % (number % 2), b"site%d" % number, b"com"), 1, rng.randbytes(4)),
        ):
            pairs.append((question(number, parts, kind), reply(number, parts, kind, data)))
    return pairs


def services(rng):
    """DNS-SD to a group (RFC 6762, RFC 6763): names and properties of machines."""
    out = []
    for number in range(60):
        label = b"Printer %d._ipp" % number
        told = reply(
            0,
            (label, b"_tcp", b"local"),
            16,
            txt(b"txtvers=1") + txt(b"UUID=" + hexed(rng.randbytes(16))) + txt(b"pdl=application/pdf,image/urf"),
        )
        talk = conversation(
            "udp",
            client=(f"192.0.2.{number % 250 + 1}", 5353),
            server=("224.0.0.251", 5353),
            start=1_700_000_000.0 + number,
        )
        out += talk.client(told).packets()
    return out


HONEST = {
    "names of networks": lambda: exchanges(browsing(random.Random(1)), wait=1),
    "names of a mail server": lambda: exchanges(mail_server(random.Random(2)), wait=0.2),
    "services": lambda: services(random.Random(3)),
    "TXT of keys over TCP": lambda: over_tcp(mail_server(random.Random(4))[4:400:7]),
    "pings": lambda: pings([n.to_bytes(8, "little") + PATTERN[8:] for n in range(1000, 1400)]),
    "pings of Windows": lambda: pings([b"abcdefghijklmnopqrstuvwabcdefghi"] * 200),
    "pings over IPv6": lambda: pings([n.to_bytes(8, "little") + PATTERN[8:] for n in range(1000, 1400)], six=True),
    "pings of one pattern": lambda: pings([b"\xde\xad\xbe\xef" * 350] * 40),
    "pings of all sizes": lambda: pings([(bytes(range(256)) * 6)[: n * 7] for n in range(200)]),
    "pings of all sizes with a clock": lambda: pings(
        [random.Random(n).randbytes(8) + (bytes(range(256)) * 6)[8 : n * 7] for n in range(2, 200)]
    ),
    "pings with a pattern of 16 bytes": lambda: pings([NOISE[:16] * 60] * 40),
    "pings cut by the answer": lambda: pings([bytes(range(256)) * 5] * 40, [bytes(range(64))] * 40),
    "pings that nobody answers": lambda: pings([n.to_bytes(16, "little") + PATTERN[16:] for n in range(300)])[::2],
    "empty pings": lambda: pings([b""] * 100),
}


@pytest.mark.parametrize("kind", HONEST)
def test_honest_neighbours_come_to_their_end(kind):
    share, flows = through(HONEST[kind]())
    assert share == 1, flows
