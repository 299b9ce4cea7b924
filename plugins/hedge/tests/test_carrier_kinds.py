"""Every kind of carrier under `strict-carriers`: 16 KB of ciphertext never come to their end, the honest neighbours do.

One row a kind: what differs between rows is how a protocol, or who uses it, may spell the same bytes.
"""

import base64
import gzip
import io
import json
import random
import zipfile
import zlib
from pathlib import Path

import pytest

from pywall_core.testing import conversation

from .carriers import picture, pieces, through

NOISE = random.Random(11).randbytes(16384)
CLIENT, SERVER = ("192.0.2.1", 40000), ("198.51.100.1", 80)
TEXT = b"".join(Path(module.__file__).read_bytes() for module in (random, base64, gzip))
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


# --- HTTP/1 -----------------------------------------------------------------------------------------------------------


def turns(*said):
    """Turns of client and server, beginning with the client; each is cut as TCP would."""
    talk = conversation(client=CLIENT, server=SERVER)
    for number, data in enumerate(said):
        for piece in pieces(data):
            talk = talk.server(piece) if number % 2 else talk.client(piece)
    return list(talk.close())


def body(data, chunk=0, coding="", kind="application/octet-stream", extension=b"", trailers=b""):
    """Fields and body of a message."""
    head = b"Content-Type: %s\r\n" % kind.encode()
    if coding:
        head += b"Content-Encoding: %s\r\n" % coding.encode()
    if not chunk:
        return head + b"Content-Length: %d\r\n\r\n" % len(data) + data
    chunks = b"".join(b"%x%s\r\n%s\r\n" % (len(part), extension, part) for part in pieces(data, chunk))
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"


def down(data, **how):
    return turns(b"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + body(data, **how))


def up(data, **how):
    return turns(b"POST /a HTTP/1.1\r\nHost: a.example\r\n" + body(data, **how), OK)


def many(parts, spelt=bytes, **how):
    """A small POST each, on one connection."""
    said = []
    for part in parts:
        said += [b"POST /a HTTP/1.1\r\nHost: a.example\r\n" + body(spelt(part), **how), OK]
    return turns(*said)


def answers(parts, spelt=bytes, **how):
    """A small answer each, on one connection."""
    said = []
    for part in parts:
        said += [b"GET /poll HTTP/1.1\r\nHost: a.example\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + body(spelt(part), **how)]
    return turns(*said)


def form(data, count=1):
    line = b"--------------------------d74496d66958873e"
    parts = b"".join(
        b'--%s\r\nContent-Disposition: form-data; name="f%d"; filename="a%d"\r\nContent-Type: image/png\r\n\r\n%s\r\n'
        % (line, number, number, part)
        for number, part in enumerate(pieces(data, -(-len(data) // count)))
    )
    return (
        b"--"
        + line
        + b'\r\nContent-Disposition: form-data; name="a"\r\n\r\ntext\r\n'
        + parts
        + b"--"
        + line
        + b"--\r\n"
    )


def in_json(data):
    return json.dumps({"id": 17, "type": "update", "data": base64.b64encode(data).decode(), "ok": True}).encode()


def brotli(data):
    return pytest.importorskip("brotli").compress(data)


def zstd(data):
    return pytest.importorskip("zstandard").compress(data)


def random_sizes(data, least, most, seed=5):
    rng, at, out = random.Random(seed), 0, []
    while at < len(data):
        size = rng.randint(least, most)
        out.append(data[at : at + size])
        at += size
    return out


SMALL = random_sizes(NOISE, 100, 300)


def cookies(parts):
    said = []
    for part in parts:
        said += [b"GET /a HTTP/1.1\r\nHost: a.example\r\nCookie: s=%s\r\n\r\n" % base64.b64encode(part), OK]
    return turns(*said)


HTTP = {
    "request by length": lambda: up(NOISE),
    "response by length": lambda: down(NOISE),
    "response until the end": lambda: turns(b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n" + NOISE),
    "request in chunks": lambda: up(NOISE, chunk=1000),
    "response in chunks": lambda: down(NOISE, chunk=1000),
    "request in chunks of 7": lambda: up(NOISE, chunk=7),
    "response in chunks of 1": lambda: down(NOISE, chunk=1),
    "chunk extensions": lambda: down(NOISE, chunk=64, extension=b';a=b;token="value value value"'),
    "trailers": lambda: up(NOISE, chunk=64, trailers=b"X-Sum: 17\r\n"),
    "gzip": lambda: down(gzip.compress(NOISE), coding="gzip"),
    "x-gzip": lambda: up(gzip.compress(NOISE), coding="x-gzip"),
    "GZIP": lambda: down(gzip.compress(NOISE), coding="GZip"),
    "gzip of stored blocks": lambda: down(gzip.compress(NOISE, 0), coding="gzip"),
    "gzip of base64": lambda: down(gzip.compress(base64.b64encode(NOISE)), coding="gzip"),
    "gzip of hex": lambda: down(gzip.compress(NOISE.hex().encode()), coding="gzip"),
    "gzip of base64 in JSON": lambda: down(gzip.compress(in_json(NOISE)), coding="gzip", kind="application/json"),
    "deflate": lambda: up(zlib.compress(NOISE), coding="deflate"),
    "deflate without head": lambda: down(zlib.compress(NOISE, wbits=-15), coding="deflate"),
    "br": lambda: down(brotli(NOISE), coding="br"),
    "zstd": lambda: up(zstd(NOISE), coding="zstd"),
    "gzip twice": lambda: down(gzip.compress(gzip.compress(NOISE)), coding="gzip, gzip"),
    "gzip in deflate": lambda: up(zlib.compress(gzip.compress(NOISE)), coding="gzip, deflate"),
    "br in gzip": lambda: down(gzip.compress(brotli(NOISE)), coding="br, gzip", chunk=300),
    "identity": lambda: down(NOISE, coding="identity"),
    "identity and gzip": lambda: down(gzip.compress(NOISE), coding="identity, gzip"),
    "an unknown coding": lambda: down(NOISE, coding="aes128gcm"),
    "four codings": lambda: down(
        gzip.compress(gzip.compress(gzip.compress(gzip.compress(NOISE)))), coding="gzip,gzip,gzip,gzip"
    ),
    "an unsaid gzip": lambda: down(gzip.compress(NOISE, 0)),
    "an unsaid gzip, coded": lambda: down(gzip.compress(NOISE)),
    "an unsaid gzip in gzip": lambda: down(gzip.compress(gzip.compress(NOISE)), coding="gzip"),
    "gzip members": lambda: down(b"".join(map(gzip.compress, pieces(NOISE, 500))), coding="gzip"),
    "gzip and more behind": lambda: down(gzip.compress(TEXT[:2000]) + NOISE, coding="gzip"),
    "gzip coding without": lambda: down(NOISE, coding="gzip"),
    "br coding without": lambda: down(NOISE, coding="br"),
    "zstd coding without": lambda: down(NOISE, coding="zstd"),
    "deflate coding without": lambda: down(NOISE, coding="deflate"),
    "form": lambda: up(form(NOISE), kind="multipart/form-data; boundary=------------------------d74496d66958873e"),
    "form with many files": lambda: up(form(NOISE, 40), kind="multipart/form-data"),
    "form in base64": lambda: up(form(base64.encodebytes(NOISE)), kind="multipart/form-data"),
    "urlencoded": lambda: up(
        b"a=1&data=" + b"".join(b"%%%02X" % b for b in NOISE), kind="application/x-www-form-urlencoded"
    ),
    "urlencoded base64": lambda: up(b"a=1&data=" + base64.b64encode(NOISE).replace(b"+", b"%2B").replace(b"/", b"%2F")),
    "base64 in JSON": lambda: up(in_json(NOISE), kind="application/json"),
    "base64 in JSON, down": lambda: down(in_json(NOISE), kind="application/json"),
    "base64 in a list": lambda: up(json.dumps([base64.b64encode(p).decode() for p in SMALL]).encode()),
    "base64url in JSON": lambda: up(json.dumps({"d": base64.urlsafe_b64encode(NOISE).decode()}).encode()),
    "hex in JSON": lambda: up(json.dumps({"d": NOISE.hex()}).encode()),
    "numbers in JSON": lambda: up(json.dumps({"d": list(NOISE)}).encode()),
    "escapes in JSON": lambda: up(json.dumps({"d": NOISE.decode("latin-1")}).encode()),
    "base64 in XML": lambda: up(b"<?xml version='1.0'?><a><b>" + base64.b64encode(NOISE) + b"</b></a>"),
    "base64 in HTML": lambda: down(
        b"<!doctype html><img src='data:image/png;base64," + base64.b64encode(NOISE) + b"'>"
    ),
    "base64 lines": lambda: up(base64.encodebytes(NOISE)),
    "base85": lambda: up(base64.b85encode(NOISE)),
    "small requests": lambda: many(SMALL),
    "small requests in chunks": lambda: many(SMALL, chunk=50),
    "small requests in gzip": lambda: many(SMALL, gzip.compress, coding="gzip"),
    "small requests in base64": lambda: many(SMALL, base64.b64encode),
    "small requests in JSON": lambda: many(SMALL, in_json),
    "small requests in forms": lambda: many(SMALL, form),
    "tiny requests": lambda: many(random_sizes(NOISE, 10, 40)),
    "small answers": lambda: answers(SMALL),
    "small answers in chunks": lambda: answers(SMALL, chunk=30),
    "small answers in gzip": lambda: answers(SMALL, gzip.compress, coding="gzip"),
    "small answers in JSON": lambda: answers(SMALL, in_json),
    "small answers in gzip of JSON": lambda: answers(SMALL, lambda p: gzip.compress(in_json(p)), coding="gzip"),
    "answers of 1500": lambda: answers(pieces(NOISE, 1500)),
    "answers of 1500 with a short one between": lambda: answers(
        [p for part in pieces(NOISE, 1000) for p in (part, b"ok")]
    ),
    "both ways small": lambda: turns(
        *[
            (b"POST / HTTP/1.1\r\nHost: a\r\n" if n % 2 == 0 else b"HTTP/1.1 200 OK\r\n") + body(p)
            for n, p in enumerate(SMALL)
        ]
    ),
    "noise behind a text": lambda: down(TEXT[:6000] + NOISE),
    "text requests, then noise": lambda: many([*pieces(TEXT[:4000], 400), *SMALL]),
    "a line of text before each": lambda: many(SMALL, lambda p: b"session=17&seq=4&data=" + p),
    "answers behind an image head": lambda: answers(SMALL, lambda p: picture()[:20] + p),
}


@pytest.mark.parametrize("kind", HTTP)
def test_ciphertext_in_http_is_cut_before_its_end(kind):
    share, flows = through(HTTP[kind]())
    assert share < 1, flows


# --- HTTP/2, WebSocket, tunnels ---------------------------------------------------------------------------------------


def http2_frame(kind, stream, data=b"", flags=0):
    return len(data).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + data


def http2(parts, to_server, fields=(), padding=0, streams=False):
    """DATA frames, all in one stream or each in its own."""
    encode = pytest.importorskip("hpack").Encoder
    client, server = encode(), encode()
    say = (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + http2_frame(4, 0), http2_frame(4, 0))
    asked = [(":method", "POST"), (":scheme", "http"), (":authority", "a.example"), (":path", "/")]
    said = list(say)
    for number, part in enumerate(parts):
        stream = 2 * number + 1 if streams else 1
        first, last = number == 0 or streams, number == len(parts) - 1 or streams
        head = http2_frame(1, stream, client.encode(asked + (list(fields) if to_server else [])), 4) if first else b""
        answer = (
            http2_frame(1, stream, server.encode([(":status", "200"), *(() if to_server else fields)]), 4)
            if first
            else b""
        )
        padded = bytes((padding,)) + part + bytes(padding) if padding else part
        data = http2_frame(0, stream, padded, (8 if padding else 0) | last)
        if to_server:
            said += [
                head + data,
                answer + (http2_frame(0, stream, b"", 1) if last else b"") or http2_frame(8, 0, b"\0\0\1\0"),
            ]
        else:
            said += [head or http2_frame(8, 0, b"\0\0\1\0"), answer + data]
    return turns(*said)


def frame(payload, mask=b"", first=0x82):
    size = len(payload)
    head = bytes([first, (0x80 if mask else 0) | (size if size < 126 else 126 if size < 65536 else 127)])
    if size > 125:
        head += size.to_bytes(2 if size < 65536 else 8, "big")
    return head + mask + (bytes(b ^ mask[i & 3] for i, b in enumerate(payload)) if mask else payload)


UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
SWITCHED = (
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
)


def websocket(parts, by=(True, False), spelt=bytes, kind=2, fragments=1, deflate=False, mask=None, between=b""):
    """Messages of those who speak, in turns; `fragments` of each."""
    rng, sides = random.Random(3), (zlib.compressobj(wbits=-15), zlib.compressobj(wbits=-15))
    said = [UPGRADE, SWITCHED]
    for number, part in enumerate(parts):
        client = by[number % len(by)]
        data = spelt(part)
        if deflate:
            side = sides[client]
            data = (side.compress(data) + side.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")
        cuts = pieces(data, -(-len(data) // fragments))
        out = b""
        for at, piece in enumerate(cuts):
            first = (0x80 if at == len(cuts) - 1 else 0) | (0 if at else kind | (0x40 if deflate else 0))
            out += frame(piece, (rng.randbytes(4) if mask is None else mask) if client else b"", first) + between
        if len(said) % 2 == (0 if client else 1):
            said.append(out)
        else:
            said[-1] += out
    return turns(*said)


def both_ways(opening, data=NOISE, size=1300):
    return turns(*opening, *pieces(data, size))


HONEST_GET = (b"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n", OK)
CONNECT = (
    b"CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n",
    b"HTTP/1.1 200 Connection established\r\n\r\n",
)
SOCKS5 = (b"\5\1\0", b"\5\0", b"\5\1\0\3\x09a.example\1\xbb", b"\5\0\0\1" + bytes(6))
SOCKS5_USER = (b"\5\2\0\2", b"\5\2", b"\1\2me\4pass", b"\1\0", *SOCKS5[2:])
SOCKS4 = (b"\4\1\1\xbb\xc6\x33\x64\2me\0", b"\0\x5a" + bytes(6))
TEXT_REQUEST = b"GET /a HTTP/1.1\r\nHost: b.example\r\nUser-Agent: curl/8.0\r\nAccept: */*\r\n\r\n"


def websocket_in_connect():
    return turns(
        *CONNECT,
        UPGRADE,
        SWITCHED,
        *(frame(p, b"" if n % 2 else b"\1\2\3\4") for n, p in enumerate(pieces(NOISE, 1000))),
    )


STREAMS = {
    "h2 request": lambda: http2(pieces(NOISE, 1000), True),
    "h2 response": lambda: http2(pieces(NOISE, 1000), False),
    "h2 large frames": lambda: http2(pieces(NOISE, 8192), False),
    "h2 padded": lambda: http2(pieces(NOISE, 500), True, padding=200),
    "h2 small frames": lambda: http2(pieces(NOISE, 50), False),
    "h2 gzip": lambda: http2(pieces(gzip.compress(NOISE), 900), False, [("content-encoding", "gzip")]),
    "h2 base64 in JSON": lambda: http2(pieces(in_json(NOISE), 900), True, [("content-type", "application/json")]),
    "h2 a stream each": lambda: http2(pieces(NOISE, 900), True, streams=True),
    "h2 a small stream each": lambda: http2(SMALL, True, streams=True),
    "h2 a small answer each": lambda: http2(SMALL, False, streams=True),
    "h2 gRPC": lambda: http2(
        [b"\0" + len(p).to_bytes(4, "big") + p for p in SMALL], True, [("content-type", "application/grpc")]
    ),
    "ws": lambda: websocket(pieces(NOISE, 1000)),
    "ws of the client": lambda: websocket(pieces(NOISE, 1000), (True,)),
    "ws of the server": lambda: websocket(pieces(NOISE, 1000), (False,)),
    "ws small": lambda: websocket(SMALL),
    "ws tiny": lambda: websocket(random_sizes(NOISE, 8, 40)),
    "ws one large": lambda: websocket([NOISE], (True,)),
    "ws as text": lambda: websocket(pieces(NOISE, 1000), kind=1),
    "ws base64": lambda: websocket(SMALL, spelt=base64.b64encode, kind=1),
    "ws base64 in JSON": lambda: websocket(SMALL, spelt=in_json, kind=1),
    "ws hex": lambda: websocket(SMALL, spelt=lambda p: p.hex().encode(), kind=1),
    "ws fragments": lambda: websocket(pieces(NOISE, 1000), fragments=9),
    "ws fragments with pings": lambda: websocket(
        pieces(NOISE, 1000), (False,), fragments=9, between=frame(b"ping", first=0x89)
    ),
    "ws mask of zeros": lambda: websocket(pieces(NOISE, 1000), (True,), mask=bytes(4)),
    "ws one mask": lambda: websocket(pieces(NOISE, 1000), (True,), mask=b"abcd"),
    "ws deflate": lambda: websocket(pieces(NOISE, 1000), deflate=True),
    "ws deflate small": lambda: websocket(SMALL, deflate=True),
    "ws deflate base64": lambda: websocket(SMALL, spelt=base64.b64encode, kind=1, deflate=True),
    "ws deflate JSON": lambda: websocket(SMALL, spelt=in_json, kind=1, deflate=True),
    "ws deflate fragments": lambda: websocket(pieces(NOISE, 1000), deflate=True, fragments=5),
    "ws pings that carry": lambda: websocket(pieces(NOISE, 120), kind=9),
    "ws pongs that carry": lambda: websocket(pieces(NOISE, 120), (True,), kind=10),
    "ws behind chat": lambda: websocket([*pieces(TEXT[:5000], 100), *SMALL]),
    "connect": lambda: both_ways(CONNECT),
    "connect small": lambda: turns(*CONNECT, *SMALL),
    "connect behind requests": lambda: both_ways(HONEST_GET * 20 + CONNECT),
    "connect behind a refused one": lambda: both_ways(
        (CONNECT[0], b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n", *CONNECT)
    ),
    "connect base64": lambda: both_ways(CONNECT, base64.b64encode(NOISE)),
    "connect, request, noise": lambda: both_ways((*CONNECT, TEXT_REQUEST, OK), NOISE),
    "connect, an upload inside": lambda: turns(*CONNECT, b"POST / HTTP/1.1\r\nHost: b\r\n" + body(NOISE), OK),
    "connect in connect": lambda: both_ways(CONNECT + CONNECT),
    "connect in socks": lambda: both_ways(SOCKS5 + CONNECT),
    "socks in connect": lambda: both_ways(CONNECT + SOCKS5),
    "ws in connect": websocket_in_connect,
    "socks 5": lambda: both_ways(SOCKS5),
    "socks 5 with a password": lambda: both_ways(SOCKS5_USER),
    "socks 4": lambda: both_ways(SOCKS4),
    "socks 5 small": lambda: turns(*SOCKS5, *SMALL),
    "socks, 20 requests, noise": lambda: both_ways(SOCKS5 + HONEST_GET * 20),
    "socks, an answer inside": lambda: turns(*SOCKS5, TEXT_REQUEST, b"HTTP/1.1 200 OK\r\n" + body(NOISE)),
    "upgrade to something": lambda: both_ways(
        (
            b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n",
            b"HTTP/1.1 101 Go\r\nUpgrade: foo\r\nConnection: upgrade\r\n\r\n",
        )
    ),
}


@pytest.mark.parametrize("kind", STREAMS)
def test_ciphertext_in_streams_is_cut_before_its_end(kind):
    share, flows = through(STREAMS[kind]())
    assert share < 1, flows


# --- honest neighbours ------------------------------------------------------------------------------------------------


def film(seed=8):
    rng = random.Random(seed)
    samples = b"".join(
        b"%s" % (size.to_bytes(4, "big") + rng.randbytes(size)) for size in (rng.randint(200, 3000) for _ in range(40))
    )
    boxes = ((b"ftyp", b"isom\0\0\2\0isomavc1"), (b"free", b""), (b"mdat", samples))
    return b"".join((len(data) + 8).to_bytes(4, "big") + kind + data for kind, data in boxes)


def archive(data):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("a.txt", data)
    return held.getvalue()


def record(n):
    return json.dumps(
        {"id": n, "name": TEXT[n * 7 : n * 7 + 40].decode("latin-1"), "ok": True, "tags": ["a", "b"]}
    ).encode()


RECORDS = [record(n) for n in range(120)]
PAGE = json.dumps([json.loads(r) for r in RECORDS]).encode()


def long_cookies():
    rng = random.Random(9)
    cookie = b"; ".join(b"s%d=%s" % (n, base64.urlsafe_b64encode(rng.randbytes(300))) for n in range(6))
    request = (
        b"GET /a HTTP/1.1\r\nHost: a.example\r\nCookie: "
        + cookie
        + b"\r\nAuthorization: Bearer "
        + base64.b64encode(rng.randbytes(400))
        + b"\r\n\r\n"
    )
    return turns(*(request, OK) * 8)


CHAT = [json.dumps({"from": "a", "text": TEXT[at : at + 80].decode("latin-1")}).encode() for at in range(0, 16000, 80)]
HONEST = {
    "a page": lambda: down(TEXT, kind="text/plain"),
    "pictures": lambda: answers([picture()] * 3),
    "a picture in small chunks": lambda: down(picture(), chunk=40),
    "many small pictures": lambda: answers([png(n) for n in range(80)]),
    "gzip of JSON": lambda: down(gzip.compress(PAGE), coding="gzip", kind="application/json"),
    "gzip of small JSON": lambda: answers(RECORDS, gzip.compress, coding="gzip"),
    "deflate of small JSON": lambda: many(RECORDS, zlib.compress, coding="deflate"),
    "br of JSON": lambda: down(brotli(PAGE), coding="br"),
    "br of small JSON": lambda: answers(RECORDS, brotli, coding="br"),
    "zstd of JSON": lambda: down(zstd(PAGE), coding="zstd"),
    "gzip twice": lambda: down(gzip.compress(gzip.compress(PAGE)), coding="gzip, gzip"),
    "an unknown coding of text": lambda: down(TEXT, coding="nothing"),
    "an unknown coding with gzip inside": lambda: down(gzip.compress(PAGE), coding="pack200-gzip"),
    "small JSON up": lambda: many(RECORDS),
    "small JSON down": lambda: answers(RECORDS),
    "a film": lambda: down(film(), chunk=4000),
    "segments of a film": lambda: answers([film(n) for n in range(6)]),
    "a zip file up": lambda: up(archive(TEXT * 2)),
    "a zip file in a form": lambda: up(form(archive(TEXT * 2)), kind="multipart/form-data"),
    "a picture in a form": lambda: up(form(picture()), kind="multipart/form-data"),
    "a picture in JSON": lambda: up(in_json(picture()), kind="application/json"),
    "a picture in HTML": lambda: down(
        b"<!doctype html>" + TEXT[:500] + b"<img src='data:image/jpeg;base64," + base64.b64encode(picture()) + b"'>"
    ),
    "long cookies": long_cookies,
    "h2 JSON": lambda: http2(pieces(PAGE, 900), False),
    "h2 a stream each": lambda: http2(RECORDS, False, streams=True),
    "h2 gzip, a stream each": lambda: http2(
        [gzip.compress(r) for r in RECORDS], False, [("content-encoding", "gzip")], streams=True
    ),
    "h2 pictures": lambda: http2([picture()] * 3, False, streams=True),
    "h2 small pictures": lambda: http2([png(n) for n in range(80)], False, streams=True),
    "ws chat": lambda: websocket(CHAT, kind=1),
    "ws chat deflate": lambda: websocket(CHAT, kind=1, deflate=True),
    "ws pictures": lambda: websocket([picture()] * 3, (False, True)),
    "connect and a page": lambda: turns(*CONNECT, TEXT_REQUEST, b"HTTP/1.1 200 OK\r\n" + body(TEXT, coding="")),
    "socks and a picture": lambda: turns(*SOCKS5, TEXT_REQUEST, b"HTTP/1.1 200 OK\r\n" + body(picture())),
}


def png(number):
    """A small picture of two colours, as icons are."""
    pytest.importorskip("PIL")
    from PIL import Image

    rng = random.Random(number)
    image = Image.new("RGB", (16, 16))
    image.putdata([rng.choice(((0, 0, 0), (255, 255, 255), (200, 30, 30))) for _ in range(256)])
    held = io.BytesIO()
    image.save(held, "PNG")
    return held.getvalue()


@pytest.mark.parametrize("kind", HONEST)
def test_honest_neighbours_come_to_their_end(kind):
    share, flows = through(HONEST[kind]())
    assert share == 1, flows
