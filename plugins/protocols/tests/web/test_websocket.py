"""WebSocket frames without the handshake before them."""

from pywall_protocols.web import websocket

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract


def frame(text: bytes, key: bytes = b"") -> bytes:
    size = bytes([len(text) | (0x80 if key else 0)]) if len(text) < 126 else b"\xfe" + len(text).to_bytes(2, "big")
    body = bytes(byte ^ key[n % 4] for n, byte in enumerate(text)) if key else text
    return b"\x81" + size + key + body


TestContract = detector_contract(
    websocket,
    positives=[
        (frame(b'{"op": 1}', b"\x11\x22\x33\x44"), frame("grüß dich\n".encode())),
        (frame(b"welcome"), frame(b"x" * 200, b"\xe1\x7e\x8e\xb9")),
    ],
    negatives=[
        (frame(b"both"), frame(b"plain")),
        (frame(b"\xff\xfe\xfd\xfc", b"\1\2\3\4"), frame(b"text")),
        (b"\x81\x00" + b"\xff" * 40, b"\x81\x85" + b"\xff" * 40),
    ],
)


def test_one_side_proves_nothing(ask):
    assert ask(websocket, frame(b"hello", b"\1\2\3\4")) is MORE
    assert ask(websocket, frame(b"hello", b"\1\2\3\4"), frame(b"hi")) == Match("websocket")
    assert ask(websocket, frame(b"hello", b"\1\2\3\4"), frame(b"hi", b"\1\2\3\4")) is NO


UPGRADED = {"facts": {"http.upgrade": "websocket"}}
BINARY = b"\x82" + frame(bytes(range(128, 250)), b"\x9a\x01\xfe\x77")[1:]
LONG = b"\x82\x7e\x0e\xc0" + bytes(range(256)) * 4  # 3776 bytes, of which 1024 have come


def test_behind_an_upgrade_frames_of_any_content_count(ask):
    assert ask(websocket, BINARY, LONG, **UPGRADED) == Match("websocket", decisive=True)
    waits = ask(websocket, BINARY, **UPGRADED)
    assert (waits.confirmed, waits.done) == (True, False)
    assert ask(websocket, BINARY, LONG) is NO


def test_behind_an_upgrade_what_is_no_frame_is_refused(ask):
    assert ask(websocket, b"\x82\x05plain", **UPGRADED) is NO
    assert ask(websocket, BINARY, BINARY, **UPGRADED) is NO
    assert ask(websocket, BINARY + b"\x93\x80", LONG, **UPGRADED) is NO
    assert ask(websocket, b"\x82\xfe\x00\x10" + bytes(20), **UPGRADED) is NO
