"""What protocols carry: ciphertext in HTTP bodies, WebSocket, CONNECT and pings is found, honest contents are not."""

import gzip
import io
import json
import random
import socket
import zipfile
import zlib
from pathlib import Path

import pytest

from pywall_core.testing import conversation, engine, ip_packet

from .carriers import POLICY, picture, pieces

NOISE = random.Random(7).randbytes(16384)
TEXT = Path(socket.__file__).read_bytes() + Path(zipfile.__file__).read_bytes()
GET = b"GET /a HTTP/1.1\r\nHost: a.example\r\n\r\n"


def zipped(data):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", data)
    return held.getvalue()


def response(body, coding="", chunk=0):
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n"
    if coding:
        head += b"Content-Encoding: %s\r\n" % coding.encode()
    if not chunk:
        return head + b"Content-Length: %d\r\n\r\n" % len(body) + body
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces(body, chunk))
    return head + b"Transfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"


def frame(payload, mask=b"", first=0x82):
    size = len(payload)
    head = bytes([first, (0x80 if mask else 0) | (size if size < 126 else 126)])
    if size > 125:
        head += size.to_bytes(2, "big")
    return head + mask + (bytes(b ^ mask[i & 3] for i, b in enumerate(payload)) if mask else payload)


def websocket(messages, first=0x82):
    """An upgrade, and messages of the client and the server in turns."""
    key = b"dGhlIHNhbXBsZSBub25jZQ=="
    talk = conversation().client(
        b"GET /ws HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + key + b"\r\n\r\n"
    )
    talk = talk.server(
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    for number, message in enumerate(messages):
        if number % 2:
            talk = talk.server(frame(message, first=first))
        else:
            talk = talk.client(frame(message, b"\x12\x34\xab\xcd", first=first))
    return talk


def compressed(messages):
    """permessage-deflate with context takeover in both directions (RFC 7692)."""
    sides = [zlib.compressobj(wbits=-15), zlib.compressobj(wbits=-15)]
    out = []
    for number, message in enumerate(messages):
        side = sides[number % 2]
        out.append((side.compress(message) + side.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff"))
    return out


def download(*responses):
    talk = conversation()
    for data in responses:
        talk = talk.client(GET)
        for piece in pieces(data):
            talk = talk.server(piece)
    return talk


def upload(body):
    talk = conversation()
    for piece in pieces(b"POST /a HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n" % len(body) + body):
        talk = talk.client(piece)
    return talk.server(b"HTTP/1.1 204 No Content\r\n\r\n")


def tunnel(opening, answer, data):
    talk = conversation().client(opening).server(answer)
    for number, piece in enumerate(pieces(data)):
        talk = talk.server(piece) if number % 2 else talk.client(piece)
    return talk


def pings(payloads, answers=None):
    packets = []
    for number, payload in enumerate(payloads):
        echo = b"\0\0\x12\x34" + number.to_bytes(2, "big") + payload
        packets.append(ip_packet("192.0.2.1", "198.51.100.1", 1, checked(b"\x08\0" + echo)))
        reply = b"\0\0\x12\x34" + number.to_bytes(2, "big") + (payload if answers is None else answers[number])
        packets.append(ip_packet("198.51.100.1", "192.0.2.1", 1, checked(b"\0\0" + reply)))
    return packets


def checked(message):
    total = sum(int.from_bytes(message[at : at + 2].ljust(2, b"\0"), "big") for at in range(0, len(message), 2))
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return message[:2] + (0xFFFF - total).to_bytes(2, "big") + message[4:]


def run(packets):
    """Return the bytes of payload that passed before the first DROP (None: all passed), and the flows' events."""
    lab = engine(POLICY)
    passed, found = 0, None
    for packet, verdict in zip(packets, lab.send(packets), strict=True):
        if verdict.action.value == "drop":
            found = passed
            break
        passed += len(packet) if isinstance(packet, bytes) else packet.end - packet.start
    return found, lab.close()


SECRET = {
    "a body": download(response(NOISE)),
    "chunks": download(response(NOISE, chunk=100)),
    "gzip around it": download(response(gzip.compress(NOISE, 1), "gzip")),
    "gzip that is none": download(response(NOISE, "gzip")),
    "deflate around it": download(response(zlib.compress(NOISE), "deflate", chunk=700)),
    "the second of two bodies": download(response(TEXT[:3000]), response(NOISE)),
    "small bodies": download(*[response(NOISE[at : at + 200]) for at in range(0, 16384, 200)]),
    "behind text": download(response(TEXT[:8000] + NOISE)),
    "an upload": upload(NOISE),
    "messages": websocket(pieces(NOISE, 900)),
    "small messages": websocket(pieces(NOISE, 60)),
    "compressed messages": websocket(compressed(pieces(NOISE, 900)), first=0xC2),
    "connect": tunnel(b"CONNECT a.example:443 HTTP/1.1\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n", NOISE),
    "socks 4": tunnel(b"\4\1\1\xbb\xc6\x33\x64\2me\0", b"\0\x5a" + bytes(6), NOISE),
    "pings": pings(pieces(NOISE, 1000)),
    "pings with text": pings(pieces(TEXT[:16384], 1000)),
    "replies with other data": pings([bytes(range(56))] * 40, pieces(NOISE, 56)),
    "replies with text": pings([bytes(range(56))] * 40, pieces(TEXT, 56)),
}


@pytest.mark.parametrize("name", SECRET)
def test_ciphertext_is_found_within_16_kilobytes(name):
    through, _ = run(list(SECRET[name]))
    assert through is not None
    assert through <= 16384


CHAT = [json.dumps({"from": "a", "text": TEXT[at : at + 80].decode("latin-1")}).encode() for at in range(0, 16000, 80)]
HONEST = {
    "text": lambda: download(response(TEXT), response(TEXT)),
    "text in gzip": lambda: download(response(gzip.compress(TEXT), "gzip"), response(gzip.compress(TEXT), "gzip")),
    "chunks of gzip": lambda: download(response(gzip.compress(TEXT), "gzip", chunk=512)),
    "a gzip file": lambda: download(response(gzip.compress(TEXT * 3))),
    "a zip file": lambda: download(response(zipped(TEXT * 3))),
    "a picture": lambda: download(response(picture()), response(picture())),
    "a picture in chunks": lambda: download(response(picture(), chunk=999)),
    "a picture that is sent": lambda: upload(picture()),
    "chat": lambda: websocket(CHAT, first=0x81),
    "compressed chat": lambda: websocket(compressed(CHAT), first=0xC1),
    "pings": lambda: pings([n.to_bytes(8, "little") + bytes(range(8, 56)) for n in range(1000, 1100)]),
    "pings of Windows": lambda: pings([b"abcdefghijklmnopqrstuvwabcdefghi"] * 50),
    "pings of growing length": lambda: pings([bytes(8) + bytes(range(248)) * (n // 40 + 1) for n in range(200)]),
    "long pings, short answers": lambda: pings([bytes(range(256)) * 4] * 50, [bytes(range(64))] * 50),
}


@pytest.mark.parametrize("name", HONEST)
def test_honest_contents_pass(name):
    through, flows = run(list(HONEST[name]()))
    assert through is None, flows


def test_the_flow_says_what_it_carried():
    lab = engine(POLICY)
    lab.send(download(response(gzip.compress(TEXT), "gzip")).close())
    (flow,) = lab.close()
    assert flow["app_proto"] == "http"
    assert [event["http"]["content_encoding"] for event in lab.of_type("http")] == ["gzip"]
    (flow,) = run(list(SECRET["messages"]))[1]
    assert (flow["app_proto"], flow["pywall"]["rule_name"]) == ("websocket", "ciphertext in WebSocket")
    assert flow["pywall"]["websocket"] == {"class": "encrypted"}
    (flow,) = run(list(SECRET["replies with text"]))[1]
    assert flow["pywall"]["icmp"] == {"unasked": True, "class": "plain"}


def test_nothing_is_given_where_no_rule_asks():
    lab = engine("version: 1\nplugins: [rules, stream, protocols, hedge, carriers]\ndefault: ACCEPT\n")
    lab.send(download(response(NOISE)))
    assert lab.engine.stats()["plugins"]["carriers"] == {"settled": {}, "domains": 0}
