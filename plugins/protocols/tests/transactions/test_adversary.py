"""No forbidden transaction reaches its server whole, wherever it stands among allowed ones and however it is sent.

The server is a model of a TCP receiver behind the engine: it acknowledges what it has in order, and answers what is
allowed. The adversary cuts, reorders, repeats, sends other bytes for the same range first or later, and loses packets
behind the firewall, so that a retransmission with other content may be the first copy that arrives.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random

import pytest

from pywall_core.packet.decode import decode
from pywall_core.testing import engine, tcp_packet, udp_packet

pytest.importorskip("pywall_stream")
hpack = pytest.importorskip("hpack")

CLIENT, SERVER = ("192.0.2.1", 40000), ("198.51.100.2", 443)
RUNS = 6
#: transactions in all of the long test, of each protocol
MANY = 100_000
POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: %s, %s, action: DROP}]}
default: ACCEPT
"""
Turn = tuple[bytes, bytes]


@dataclass
class Protocol:
    """How a protocol's transactions look: ``ask(name, random)`` gives the client's bytes and the server's answer."""

    fact: str
    ask: Callable[[str, Random], Turn]
    begin: tuple[tuple[bool, bytes], ...] = ()
    test: str = "is: bad"
    datagrams: bool = False
    made: list[bytes] = field(default_factory=list)

    @property
    def policy(self) -> str:
        return POLICY % (self.fact, self.test)


def http(name: str, random: Random) -> Turn:
    form = random.randrange(5)
    host = b"Host: %s\r\n" % name.encode()
    more = b"X-Padding: %s\r\n" % (b"x" * random.choice((1, 50, 3000))) + b"Accept: */*\r\n"
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    if form == 0:
        return b"POST / HTTP/1.1\r\n" + more + host + b"Content-Length: 5\r\n\r\nGET /", answer
    if form == 1:
        body = b"5;x=y\r\nGET /\r\n3\r\n\r\n\r\r\n0\r\nX: y\r\n\r\n"
        return b"PUT / HTTP/1.1\r\n" + host + more + b"Transfer-Encoding: chunked\r\n\r\n" + body, answer
    if form == 2:
        return b"GET http://%s/ HTTP/1.1\r\n\r\n" % name.encode(), answer
    if form == 3:
        return b"HEAD / HTTP/1.1\r\n" + host + b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"
    return b"GET /%d HTTP/1.1\r\n" % random.randrange(99) + more + host + b"\r\n", answer


class Http2:
    """Header blocks rest on those before them, so a connection has one encoder."""

    def __init__(self) -> None:
        self.encoder = hpack.Encoder()
        self.stream = 1

    def __call__(self, name: str, random: Random) -> Turn:
        fields = [(":method", "GET"), (":path", "/"), (":scheme", "http"), (":authority", name), ("x", "y" * 40)]
        block = self.encoder.encode(fields)
        stream, self.stream = self.stream, self.stream + 2
        cuts = random.randrange(1, 4)
        size = len(block) // cuts + 1
        parts = [block[at : at + size] for at in range(0, len(block), size)]
        flags, first = 1, parts[0]
        if random.random() < 0.4:
            flags, first = flags | 8, b"\4" + first + bytes(4)
        if random.random() < 0.4:
            flags, at = flags | 0x20, 1 if flags & 8 else 0
            first = first[:at] + bytes(5) + first[at:]
        out = frame(1, stream, first, flags | (4 if len(parts) == 1 else 0))
        for number, part in enumerate(parts[1:]):
            out += frame(9, stream, part, 4 if number == len(parts) - 2 else 0)
        return out, frame(1, stream, b"\x88", 5)


def frame(kind: int, stream: int, data: bytes = b"", flags: int = 0) -> bytes:
    return len(data).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + data


def dns(name: str, random: Random) -> Turn:
    """One question, or several of which one has the name."""
    number = random.randbytes(2)
    kind = b"\0\1\0\1"
    questions = [bytes([len(name)]) + name.encode() + b"\7example\0" + kind]
    if random.random() < 0.3:
        questions.insert(0, b"\5other\7example\0" + kind)
    if random.random() < 0.3:
        questions = [b"\5other\7example\0" + kind, bytes([len(name)]) + name.encode() + b"\xc0\x12" + kind]
    asked = number + b"\1\0" + len(questions).to_bytes(2, "big") + bytes(6) + b"".join(questions)
    return asked, asked[:2] + b"\x81\x83" + asked[4:]


def dns_tcp(name: str, random: Random) -> Turn:
    asked, answer = dns(name, random)
    return len(asked).to_bytes(2, "big") + asked, len(answer).to_bytes(2, "big") + answer


def smtp(name: str, random: Random) -> Turn:
    head = b"MAIL FROM:<%s>%s\r\n" % (name.encode(), random.choice((b"", b" SIZE=5", b" BODY=8BITMIME")))
    if random.random() < 0.3:
        return head + b"RSET\r\n", b"250 ok\r\n250 ok\r\n"
    body = b"From: me\r\n\r\n..\r\nMAIL FROM:<good>\r\n"
    if random.random() < 0.5:
        size = b"%d" % len(body)
        return head + b"RCPT TO:<you>\r\nBDAT " + size + b" LAST\r\n" + body, b"250 ok\r\n" * 3
    return head + b"RCPT TO:<you>\r\nNOOP\r\n", b"250 ok\r\n" * 3


def sip(name: str, random: Random) -> Turn:
    number = b"%d" % random.randrange(1 << 30)
    common = b"To: <sip:%s@b>\r\nCall-ID: %s\r\nCSeq: 1 OPTIONS\r\n" % (name.encode(), number)
    body = b"" if random.random() < 0.5 else b"OPTIONS sip:x SIP/2.0\r\n\r\n"
    asked = b"OPTIONS sip:%s SIP/2.0\r\nVia: x\r\n%sContent-Length: %d\r\n\r\n" % (name.encode(), common, len(body))
    return asked + body, b"SIP/2.0 200 OK\r\nVia: x\r\n%sContent-Length: 0\r\n\r\n" % common


def sip_datagram(name: str, random: Random) -> Turn:
    return sip(name, random)


def mqtt_packet(kind: int, body: bytes) -> bytes:
    size, length = len(body), b""
    while True:
        length += bytes([size & 127 | (128 if size > 127 else 0)])
        size >>= 7
        if not size:
            return bytes([kind]) + length + body


def mqtt(name: str, random: Random) -> Turn:
    topic = len(name).to_bytes(2, "big") + name.encode()
    if random.random() < 0.5:
        return mqtt_packet(0x82, b"\0\1" + b"\0\1a\0" * random.choice((0, 3, 40)) + topic + b"\0"), b"\x90\3\0\1\0"
    return mqtt_packet(0x82, b"\0\1" + topic + b"\0"), b"\x90\3\0\1\0"


def mqtt5(name: str, random: Random) -> Turn:
    user = b"\x26\0\1k\0\xc8" + b"v" * 200
    properties = random.choice((b"\0", b"\2\x0b\1", b"\xce\1" + user))
    topic = len(name).to_bytes(2, "big") + name.encode()
    return mqtt_packet(0x82, b"\0\1" + properties + topic + b"\0"), b"\x90\4\0\1\0\0"


MQTT_HELLO = (True, mqtt_packet(0x10, b"\0\4MQTT\4\2\0\x3c\0\1a")), (False, b"\x20\2\0\0")
MQTT5_HELLO = (True, mqtt_packet(0x10, b"\0\4MQTT\5\2\0\x3c\0\0\1a")), (False, b"\x20\3\0\0\0")


class Redis:
    """The first command is an array: an inline one that other protocols have names no flow (decision 0034)."""

    def __init__(self) -> None:
        self.begun = False

    def __call__(self, name: str, random: Random) -> Turn:
        words = [b"GET", b"k"] if name != "bad" else [b"FLUSHALL"]
        form = random.randrange(3)
        inline_names_flow, self.begun = self.begun or name == "bad", True
        if form == 0 and inline_names_flow:
            return b" ".join(words) + b"\r\n", b"+OK\r\n"
        if form == 1:
            words = [words[0].lower(), *words[1:]]
        if name != "bad" and random.random() < 0.3:
            words = [b"SET", b"k", b"*1\r\n$8\r\nFLUSHALL\r\n" * 20]
        return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words), b"+OK\r\n"


def ftp(name: str, random: Random) -> Turn:
    if name != "bad":
        return random.choice((b"NOOP\r\n", b"CWD /\r\n")), b"200 ok\r\n"
    telnet = random.choice((b"", b"\xff\xf4\xff\xf2", b"\xff\xf1"))
    return telnet + random.choice((b"SITE", b"site", b" SITE")) + b" EXEC x\r\n", b"200 ok\r\n"


def ldap(name: str, random: Random) -> Turn:
    number = bytes([random.randrange(1, 127)])
    name_bytes = b"cn=" + name.encode()
    base = b"\4" + bytes([len(name_bytes)]) + name_bytes
    filler = b"\x0a\1\2\x0a\1\0\2\1\0\2\1\0\1\1\0\x87\x0bobjectClass0\0"
    search = base + filler
    inner = b"\2\1" + number + b"\x63\x82" + len(search).to_bytes(2, "big") + search
    if random.random() < 0.3:
        inner = b"\2\1" + number + b"\x4a" + bytes([len(name_bytes)]) + name_bytes if name != "bad" else inner
    form = random.choice((b"\x81" + bytes([len(inner)]), b"\x84" + len(inner).to_bytes(4, "big")))
    return b"0" + form + inner, b"0\x0c\2\1" + number + b"\x65\7\x0a\1\0\4\0\4\0"


def radius(name: str, random: Random) -> Turn:
    attribute = b"\1" + bytes([2 + len(name)]) + name.encode() + b"\4\6\1\2\3\4"
    number = random.randbytes(1)
    asked = b"\1" + number + (20 + len(attribute)).to_bytes(2, "big") + random.randbytes(16) + attribute
    return asked, b"\3" + number + b"\0\x14" + random.randbytes(16)


def protocols() -> dict[str, Protocol]:
    """Return all of them; those with a state of a connection are made anew."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0)
    greeting = (False, b"220 b.example FTP\r\n"), (True, b"USER a\r\n"), (False, b"230 ok\r\n")
    mail = (False, b"220 b.example ESMTP\r\n"), (True, b"EHLO a\r\n"), (False, b"250-b.example\r\n250 CHUNKING\r\n")
    bind = (True, b"0\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0"), (False, b"0\x0c\2\1\1\x61\7\x0a\1\0\4\0\4\0")
    return {
        "http": Protocol("http.hostname", http),
        "http2": Protocol("http.hostname", Http2(), ((True, preface), (False, frame(4, 0)))),
        "dns": Protocol("dns.rrname", dns, test="is: bad.example", datagrams=True),
        "dns over tcp": Protocol("dns.rrname", dns_tcp, test="is: bad.example"),
        "smtp": Protocol("smtp.mail_from", smtp, mail),
        "sip": Protocol("sip.uri", sip, test="is: 'sip:bad'"),
        "sip datagrams": Protocol("sip.uri", sip_datagram, test="is: 'sip:bad'", datagrams=True),
        "mqtt": Protocol("mqtt.subscribe.topics", mqtt, MQTT_HELLO),
        "mqtt 5": Protocol("mqtt.subscribe.topics", mqtt5, MQTT5_HELLO),
        "redis": Protocol("redis.command", Redis(), test="is: FLUSHALL"),
        "ftp": Protocol("ftp.command", ftp, greeting, "is: SITE"),
        "ldap": Protocol("ldap.request.search_request.base_object", ldap, bind, "is: cn=bad"),
        "radius": Protocol("radius.user_name", radius, datagrams=True),
    }


class Receiver:
    """A server's TCP: bytes in order, where the first copy (or the last, of what is not read yet) counts."""

    def __init__(self, *, keeps_first: bool) -> None:
        self.keeps_first = keeps_first
        self.read = bytearray()
        self.later: dict[int, int] = {}

    def take(self, offset: int, data: bytes) -> None:
        for at, byte in enumerate(data, offset):
            if at >= len(self.read) and not (self.keeps_first and at in self.later):
                self.later[at] = byte
        while len(self.read) in self.later:
            self.read.append(self.later.pop(len(self.read)))


class Connection:
    """A client and a server with the engine between them."""

    def __init__(self, protocol: Protocol, random: Random) -> None:
        self.protocol, self.random = protocol, random
        self.lab = engine(protocol.policy, live=True)
        #: how often another process will take over
        self.reloads = 0
        self.now = 1_700_000_000.0
        self.sent = 0
        self.told = 0
        self.server = Receiver(keeps_first=random.random() < 0.5)
        self.tcp(True, 0, b"", 2)
        self.tcp(False, 0, b"", 0x12)
        self.tcp(True, 0, b"", 0x10)

    def tcp(self, to_server: bool, offset: int, data: bytes, flags: int = 0x18) -> bool:
        """Send a segment; True when it was let through."""
        self.now += 0.001
        if self.reloads and self.random.random() < 0.1:
            self.reloads -= 1
            self.reload()
        open_yet = flags & 2 == 0
        if to_server:
            seq, ack = 1000 + open_yet + offset, 5000 + open_yet + self.told if flags & 16 else 0
            packet = tcp_packet(*CLIENT, *SERVER, seq=seq, ack=ack, flags=flags, data=data)
        else:
            seq, ack = 5000 + open_yet + self.told, 1001 + len(self.server.read)
            packet = tcp_packet(*SERVER, *CLIENT, seq=seq, ack=ack, flags=flags, data=data)
        return self.lab.send([decode(packet, self.now, 1 if to_server else 3)])[0].action == "accept"

    def reload(self) -> None:
        """Another process takes over, with what this one knows."""
        known = list(self.lab.engine.continuation.describe_flows(exact=True))
        self.lab = engine(self.protocol.policy, live=True)
        self.lab.engine.continuation.inherit(known, exact=self.reloads % 2 == 0)

    def client(self, offset: int, data: bytes, *, lost: bool = False) -> bool:
        passed = self.tcp(True, offset, data)
        if passed and not lost:
            self.server.take(offset, data)
            if self.random.random() < 0.7:
                self.tcp(False, 0, b"", 0x10)
        return passed

    def reply(self, data: bytes) -> None:
        self.tcp(False, 0, data)
        self.told += len(data)
        self.tcp(True, self.sent, b"", 0x10)

    def settle(self, turns: tuple[tuple[bool, bytes], ...]) -> None:
        for to_server, data in turns:
            if not to_server:
                self.reply(data)
                continue
            assert self.client(self.sent, data)
            self.sent += len(data)
            self.tcp(False, 0, b"", 0x10)


def segments(data: bytes, random: Random) -> list[tuple[int, bytes]]:
    """Cut anywhere: into bytes, into ordinary segments, or both."""
    sizes = random.choice(((1,), (1, 2, 3), (1, 7, 40), (40, 700, 1400), (1400,)))
    found, at = [], 0
    while at < len(data):
        size = random.choice(sizes)
        found.append((at, data[at : at + size]))
        at += size
    return found


def attack(protocol: Protocol, random: Random, allowed: int, *, fair: bool, reloads: int = 0) -> None:
    """Send a forbidden transaction behind ``allowed`` others, in one flight with some of them.

    ``fair``: only cut and reordered; what stands in segments before the forbidden one must then arrive.
    """
    wire = Connection(protocol, random)
    wire.settle(protocol.begin)
    wire.reloads = reloads
    while allowed > 3 and random.random() < 0.8:  # these are answered one by one
        asked, answer = protocol.ask("good", random)
        for at, piece in segments(asked, random):
            assert wire.client(wire.sent + at, piece), "an allowed transaction was cut off"
        wire.sent += len(asked)
        wire.tcp(False, 0, b"", 0x10)
        if random.random() < 0.9:
            wire.reply(answer)
        allowed -= 1
    flight = b"".join(protocol.ask("good", random)[0] for _ in range(allowed))
    flight += protocol.ask("bad", random)[0]
    start, end = wire.sent, len(flight)
    flight += b"".join(protocol.ask("good", random)[0] for _ in range(random.randrange(3)))
    pieces = segments(flight, random)
    if fair:
        for at, piece in pieces:
            last = at + len(piece) >= end
            assert wire.client(start + at, piece) or last or at + len(piece) >= _head(flight, end), (at, end)
            if last:
                break
    else:
        _unfair(wire, start, flight, pieces, random)
    read = bytes(wire.server.read)
    assert read[start : start + end] != flight[:end], "the forbidden transaction has arrived"


def _head(flight: bytes, end: int) -> int:
    """Where the forbidden transaction may be known already: a head before a body, the first line of several."""
    upper = flight.upper()
    return max(upper.rfind(word, 0, end) for word in (b"BAD", b"FLUSHALL", b"SITE"))


def _unfair(wire: Connection, start: int, flight: bytes, pieces: list[tuple[int, bytes]], random: Random) -> None:
    """Shuffle within a window, repeat with other content, overlap, lose behind the firewall, send again."""
    for _round in range(3):
        order = sorted(pieces, key=lambda piece: piece[0] + random.choice((0, 0, 300, 4000)))
        for at, piece in order:
            for _ in range(random.choice((0, 0, 0, 1, 2))):
                begin = max(0, at - random.choice((0, 0, 1, 5, 50)))
                other = bytearray(flight[begin : at + len(piece) + random.choice((0, 0, 3))])
                for _ in range(random.randrange(3)):
                    if other:
                        other[random.randrange(len(other))] = random.choice(b"\r\n Aab0\0\xff")
                wire.client(start + begin, bytes(other), lost=random.random() < 0.5)
            wire.client(start + at, piece, lost=random.random() < 0.2)
        wire.tcp(False, 0, b"", 0x10)


def datagrams(protocol: Protocol, random: Random, allowed: int) -> None:
    """Send a forbidden one among allowed ones, from one socket."""
    lab = engine(protocol.policy, live=True)
    now = 1_700_000_000.0
    order = ["good"] * allowed + ["bad"] + ["good"] * random.randrange(3)
    for name in order:
        asked, answer = protocol.ask(name, random)
        now += 0.01
        verdict = lab.send([decode(udp_packet(*CLIENT, *SERVER, asked), now, 1)])[0].action
        assert verdict == ("accept" if name == "good" else "drop"), name
        if name == "bad":
            return
        if random.random() < 0.8:
            lab.send([decode(udp_packet(*SERVER, *CLIENT, answer), now, 3)])


def run(name: str, seed: int, allowed: int, reloads: int = 0) -> None:
    random = Random(seed)
    protocol = protocols()[name]
    if protocol.datagrams:
        datagrams(protocol, random, allowed)
    else:
        attack(protocol, random, allowed, fair=seed % 3 == 0, reloads=reloads)


@pytest.mark.parametrize("name", protocols())
def test_no_forbidden_transaction_arrives(name: str) -> None:
    for seed in range(RUNS):
        run(name, seed, seed % 7)


@pytest.mark.parametrize("name", [name for name, protocol in protocols().items() if not protocol.datagrams])
def test_none_arrives_across_reloads(name: str) -> None:
    for seed in range(4):
        run(name, seed, 4 + seed, reloads=2)


def test_a_forged_copy_of_the_preface_does_not_hide_a_stream_behind_a_reload() -> None:
    """Its flow had no name yet, and the next process did not know which bytes had to come again as they were."""
    run("http2", 300070, 1, reloads=2)


@pytest.mark.slow
@pytest.mark.parametrize("name", protocols())
def test_none_of_many_arrives(name: str) -> None:
    sent, seed = 0, 1000
    while sent < MANY:
        allowed = Random(seed).choice((0, 1, 5, 60, 300))
        run(name, seed, allowed)
        sent += allowed + 1
        seed += 1
