"""WebSocket: what frames carry, and TLS and SSH that begin inside."""

import random
import zlib

import pytest
from pywall_protocols.web import http, websocket

from pywall_core.testing import (
    client_hello,
    conversation,
    engine,
    find_transactions,
    server_hello,
    transaction_contract,
)

UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n",
)
KEY = b"\x9a\x03\x77\xe1"


def frame(payload, *, masked=True, first=0x82):
    size = len(payload)
    length = bytes((size,)) if size < 126 else b"\x7e" + size.to_bytes(2, "big") if size < 65536 else b""
    if not length:
        length = b"\x7f" + size.to_bytes(8, "big")
    if not masked:
        return bytes((first,)) + length + payload
    head = bytes((first, length[0] | 0x80)) + length[1:] + KEY
    return head + bytes(byte ^ KEY[at & 3] for at, byte in enumerate(payload))


def deflated(text):
    squeeze = zlib.compressobj(wbits=-15)
    return (squeeze.compress(text) + squeeze.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


PARTS = (
    frame(b"one ", first=0x01) + frame(b"ping", first=0x89) + frame(b"two ", first=0x00) + frame(b"three", first=0x80)
)
SQUEEZED = deflated(b"squeezed " * 20)
MESSAGES = (
    PARTS + frame(SQUEEZED[:9], first=0x41) + frame(SQUEEZED[9:], first=0x80) + frame(b"end" * 300),
    frame(b"", masked=False, first=0x81) + frame(b"answer" * 20000, masked=False, first=0x81),
)
TLS = (frame(client_hello("in.example")) + frame(b"\x17\3\3\0\1x"), frame(server_hello(), masked=False))


class TestWebSocket(transaction_contract(websocket, [MESSAGES, TLS], carries=["websocket"])):
    pass


def test_payload_is_unmasked_and_joined():
    found = find_transactions(websocket, MESSAGES, carries=["websocket"])
    ((kind, sent),) = found.carried["websocket", True, 0]
    assert kind == ""
    assert sent == b"one pingtwo three" + SQUEEZED + b"\0\0\xff\xff" + b"end" * 300
    assert found.carried["websocket", False, 0] == [("", b"answer" * 20000)]
    assert find_transactions(websocket, MESSAGES).carried == {}


def test_bodies_are_given_with_their_codings():
    head = b"HTTP/1.1 200 OK\r\nContent-Encoding: x-gzip, br\r\nTransfer-Encoding: chunked\r\n\r\n"
    asked = b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc" + b"GET / HTTP/1.1\r\n\r\n"
    answered = head + b"3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n" + b"HTTP/1.1 200 OK\r\n\r\nto the end"
    found = find_transactions(http, (asked, answered), carries=["http.body"])
    assert found.carried["http.body", True, 0] == [("", b"abc")]
    assert found.carried["http.body", False, 0] == [("x-gzip, br", b"abcde"), ("", b"to the end")]


class TestBodies(
    transaction_contract(
        http,
        [
            (
                b"POST / HTTP/1.1\r\nContent-Length: 300\r\n\r\n" + b"a" * 300 + b"GET / HTTP/1.1\r\n\r\n",
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n40\r\n" + b"b" * 64 + b"\r\n0\r\n\r\n"
                b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n" + b"c" * 99,
            )
        ],
        carries=["http.body"],
    )
):
    pass


POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: tls.sni, is: in.example, action: DROP}]}
default: ACCEPT
"""


def opened(client, server, size):
    talk = conversation().client(UPGRADE[0]).server(UPGRADE[1])
    for at in range(0, max(len(client), len(server)), size):
        if client[at : at + size]:
            talk = talk.client(client[at : at + size])
        if server[at : at + size]:
            talk = talk.server(server[at : at + size])
    return talk


@pytest.mark.parametrize("size", [1, 7, 64, 5000])
def test_tls_inside_is_found_and_its_name_is_judged(size):
    lab = engine(POLICY)
    verdicts = lab.send(opened(frame(client_hello("in.example")), b"", size))
    (flow,) = lab.close()
    assert verdicts[-1].action.value == "drop"
    assert (flow["app_proto"], flow["app_proto_outer"]) == ("tls", "websocket")
    assert [event["tls"]["sni"] for event in lab.of_type("tls")] == ["in.example"]


@pytest.mark.parametrize("size", [1, 50, 5000])
def test_both_sides_inside_are_followed(size):
    lab = engine(POLICY)
    lab.send(opened(frame(client_hello("b.example")), frame(server_hello(), masked=False), size))
    (flow,) = lab.close()
    assert (flow["app_proto"], flow["app_proto_outer"]) == ("tls", "websocket")
    assert "guessed" not in flow["pywall"]


def test_ssh_whose_server_speaks_first():
    lab = engine(POLICY)
    talk = conversation().client(UPGRADE[0]).server(UPGRADE[1])
    talk = talk.server(frame(b"SSH-2.0-x\r\n", masked=False)).client(frame(b"SSH-2.0-OpenSSH_9.6\r\n"))
    lab.send(talk)
    (flow,) = lab.close()
    assert (flow["app_proto"], flow["app_proto_outer"]) == ("ssh", "websocket")


def test_other_messages_stay_websocket():
    lab = engine(POLICY)
    lab.send(opened(*MESSAGES, 1400))
    (flow,) = lab.close()
    assert flow["app_proto"] == "websocket"


def test_noise_that_is_no_frame():
    noise = random.Random(1)
    for _ in range(200):
        find_transactions(websocket, (noise.randbytes(300), noise.randbytes(300)), carries=["websocket"])


@pytest.mark.parametrize("first", [b"", frame(b"x" * 515, first=2)])
def test_frames_do_not_wait_for_the_answer_of_another_detector_nor_overtake_theirs(first):
    hello = first + frame(client_hello("in.example"), first=2)
    lab = engine(POLICY, live=True)
    talk = conversation().client(UPGRADE[0]).server(UPGRADE[1]).client(hello)
    assert lab.send(talk)[-1].action.value == "drop"
    lab = engine(POLICY, live=True)
    assert lab.send(conversation().client(UPGRADE[0] + hello))[-1].action.value == "drop"
