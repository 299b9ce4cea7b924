"""Connections that turn to TLS by messages of their own: binary dialogues, servers' banners, frames around the records.

:sources: rfbproto (VeNCrypt), NBD proto.md, MS-TDS, draft-altman-telnet-starttls, NUT developer guide, ADB
    protocol.txt, MC-NMF, RFC 9289 (RPC), RFC 3588 (Diameter), RFC 6251 (Kerberos), RFC 2244 (ACAP), RFC 6062 (TURN),
    MySQL X Protocol, RFC 1928 (BIND), PROXY protocol, MS-RDPBCGR, MS-OXSMTP, RFC 6455 and 7692 (WebSocket)
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

Turns = list[tuple[bool, bytes]]
Frame = Callable[[bool, bytes], bytes]


def binary_hand_overs() -> dict[str, tuple[str, Turns]]:
    """Return connections up to where TLS begins, as :func:`pywall_core.testing.late_hand_overs` does."""
    return {
        "rfb by VeNCrypt": ("rfb", _vencrypt()),
        "rfb by type 18": ("rfb", [*_rfb(b"\x12"), (True, b"\x12")]),
        "nbd": ("nbd", _nbd()),
        "telnet": ("telnet", _telnet()),
        "nut": ("nut", _nut()),
        "adb": ("adb", [(True, _adb(b"CNXN", b"host::\0")), (False, _adb(b"STLS")), (True, _adb(b"STLS"))]),
        "net-tcp": ("net-tcp", _net_tcp()),
        "rpc": ("rpc", [*_rpc(1, 0, b"") * 20, *_rpc(2, 7, b""), *_rpc(3, 7, b"STARTTLS")]),
        "diameter": ("diameter", _diameter()),
        "krb5": ("unknown", [(True, b"\x80\0\0\1"), (False, bytes(4))]),
        "acap": ("unknown", _acap()),
        "turn": ("stun", [(True, _stun(0x000B, b"\0\x2a\0\4\1\2\3\4")), (False, _stun(0x010B))]),
        "mysqlx": ("unknown", [(True, _MYSQLX_TLS), (False, b"\1\0\0\0\0")]),
        "nats behind PING": ("nats", _nats()),
        "socks4 by BIND": ("socks", [(True, b"\4\2\1\xbb\xc6\x33\x64\2me\0"), *[(False, b"\0\x5a" + bytes(6))] * 2]),
        "socks5 by BIND": ("socks", _bind()),
        "proxy 1 without addresses": ("proxy", [(True, b"PROXY UNKNOWN\r\n")]),
        "proxy 2 of a health check": ("proxy", [(True, b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")]),
        "proxy 2 with a certificate": ("proxy", [(True, _proxy2(b"\x20\x0f\xa0" + bytes(4000)))]),
        "rdp by RDSAAD": ("rdp", _rdp(16)),
        "smtp of Exchange": ("smtp", _exchange()),
        "banner and nothing more": ("unknown", [(False, b"16"), (True, b"go\n")]),
        "a dialogue of nobody": ("unknown", [(True, b"HELLO me\n"), (False, b"1 welcome\n")] * 20),
    }  # fmt: skip


def framed_hand_overs() -> dict[str, tuple[str, Turns, Frame]]:
    """Return connections whose TLS records come in frames: the outer name, the turns, and what frames the rest."""
    said = [(True, web_socket_frame(True, b"hello")), (False, web_socket_frame(False, b"hi"))]
    return {
        "tds": ("tds", [(True, _tds(True, _PRELOGIN)), (False, b"\4" + _tds(False, _PRELOGIN)[1:])], _tds),
        "websocket": ("websocket", _web_socket(), web_socket_frame),
        "websocket behind messages": ("websocket", [*_web_socket(), *said * 20], web_socket_frame),
        "websocket behind pings": ("websocket", [*_web_socket(), (True, b"\x89\x81abcd\0")], web_socket_frame),
        "websocket in fragments": ("websocket", _web_socket(), _fragments),
        "websocket compressed": ("websocket", _web_socket(), _deflated),
        "socks in websocket": ("websocket", [*_web_socket(), *_socks_in_web_socket()], web_socket_frame),
    }


def _u32(number: int) -> bytes:
    return number.to_bytes(4, "big")


def _lines(*turns: tuple[bool, bytes]) -> Turns:
    return [(side, line + b"\r\n") for side, line in turns]


def _rfb(types: bytes) -> Turns:
    version = b"RFB 003.008\n"
    return [(False, version), (True, version), (False, bytes([len(types)]) + types)]


def _vencrypt() -> Turns:
    return [
        *_rfb(b"\x13\2"),
        *[(True, b"\x13"), (False, b"\0\2"), (True, b"\0\2"), (False, b"\0\2" + _u32(263) + _u32(260))],
        *[(True, _u32(260)), (False, b"\1")],
    ]


def _nbd() -> Turns:
    def asks(option: int) -> tuple[bool, bytes]:
        return True, b"IHAVEOPT" + _u32(option) + _u32(0)

    def says(option: int, kind: int) -> tuple[bool, bytes]:
        return False, b"\0\3\xe8\x89\4\x55\x65\xa9" + _u32(option) + _u32(kind) + _u32(0)

    refused = [asks(3), says(3, 0x80000005)] * 20
    return [
        (False, b"NBDMAGICIHAVEOPT\0\3"),
        (True, _u32(3)),
        *refused,
        asks(5),
        says(5, 0x80000002),
        asks(5),
        says(5, 1),
    ]


def _telnet() -> Turns:
    follows = b"\xff\xfa\x2e\1\xff\xf0"
    others = [(False, b"\xff\xfd\x18"), (True, b"\xff\xfc\x18")] * 10
    return [*others, (False, b"\xff\xfd\x2e"), (True, b"\xff\xfb\x2e"), (False, follows), (True, follows)]


def _nut() -> Turns:
    listing = [(True, b"LIST UPS\n"), (False, b'BEGIN LIST UPS\nUPS a "a"\nEND LIST UPS\n')]
    return [
        *listing * 10,
        (True, b"STARTTLS\n"),
        (False, b"ERR FEATURE-NOT-CONFIGURED\n"),
        (True, b"STARTTLS\n"),
        (False, b"OK STARTTLS\n"),
    ]


def _nats() -> Turns:
    return _lines((False, b'INFO {"tls_available":true}'), *[(True, b"PING"), (False, b"PONG")] * 20)


def _adb(command: bytes, data: bytes = b"") -> bytes:
    size = len(data).to_bytes(4, "little")
    return command + b"\1\0\0\1\0\0\x10\0" + size + bytes(4) + bytes(byte ^ 255 for byte in command) + data


def _net_tcp() -> Turns:
    via = b"net.tcp://a.example/s"
    preamble = b"\0\1\0\1\2\2" + bytes([len(via)]) + via + b"\3\x08"
    return [(True, preamble), (True, b"\x09\x13application/ssl-tls"), (False, b"\x0a")]


def _rpc(number: int, flavor: int, verifier: bytes) -> Turns:
    call = _u32(number) + _u32(0) + _u32(2) + _u32(100003) + _u32(4) + _u32(0) + _u32(flavor) + bytes(12)
    reply = _u32(number) + _u32(1) + bytes(8) + _u32(len(verifier)) + verifier + bytes(4)
    return [(side, _u32(0x80000000 | len(body)) + body) for side, body in ((True, call), (False, reply))]


def _diameter() -> Turns:
    def avp(code: int, data: bytes) -> bytes:
        return _u32(code) + b"\x40" + (8 + len(data)).to_bytes(3, "big") + data + bytes(-len(data) % 4)

    def message(flags: int, avps: bytes) -> bytes:
        head = b"\1" + (20 + len(avps)).to_bytes(3, "big") + bytes([flags]) + b"\0\1\1"
        return head + _u32(0) + _u32(7) + _u32(9) + avps

    peer = avp(264, b"a.example") + avp(296, b"example") + avp(266, _u32(0)) + avp(269, b"x") + avp(299, _u32(1))
    return [(True, message(0x80, peer)), (False, message(0, avp(268, _u32(2001)) + peer))]


def _acap() -> Turns:
    return _lines(
        (False, b'* ACAP (IMPLEMENTATION "x 1") (SASL "PLAIN") (STARTTLS)'), (True, b"a NOOP"), (False, b'a OK "x"'),
        (True, b"b STARTTLS"), (False, b'b OK "go"'),
    )  # fmt: skip


def _stun(kind: int, attributes: bytes = b"") -> bytes:
    return kind.to_bytes(2, "big") + len(attributes).to_bytes(2, "big") + b"\x21\x12\xa4\x42" + bytes(12) + attributes


def _bind() -> Turns:
    reply = b"\5\0\0\1" + bytes(6)
    return [(True, b"\5\1\0"), (False, b"\5\0"), (True, b"\5\2\0\1\1\2\3\4\1\xbb"), (False, reply), (False, reply)]


def _proxy2(more: bytes) -> bytes:
    return b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + (12 + len(more)).to_bytes(2, "big") + bytes(range(1, 13)) + more


def _rdp(protocol: int) -> Turns:
    request = b"\3\0\0\x13\x0e\xe0\0\0\0\0\0\1\0\x08\0\x13\0\0\0"
    return [(True, request), (False, b"\3\0\0\x13\x0e\xd0\0\0\x12\x34\0\2\0\x08\0" + bytes([protocol, 0, 0, 0]))]


def _exchange() -> Turns:
    greeting = _lines((False, b"220 b.example ESMTP"), (True, b"EHLO a"), (False, b"250-b\r\n250 X-ANONYMOUSTLS"))
    return [*greeting, *_lines((True, b"X-ANONYMOUSTLS"), (False, b"220 go"))]


#: CapabilitiesSet of the MySQL X Protocol: tls is true
_MYSQLX_TLS = b"\x13\0\0\0\2\x0a\x10\x0a\x0e\x0a\3tls\x12\7\x08\1\x12\3\x08\7\x38"
_PRELOGIN = bytes.fromhex("000015000601001b000102001c000103001d0004ff") + b"\x10\0\0\0\0\0\1\0\0\0\0\1"


def _tds(to_server: bool, data: bytes) -> bytes:
    """Return packets of type PRELOGIN, of 60 bytes at most."""
    pieces = [data[at : at + 52] for at in range(0, len(data), 52)]
    return b"".join(b"\x12\1" + (8 + len(piece)).to_bytes(2, "big") + b"\0\0\1\0" + piece for piece in pieces)


def _web_socket() -> Turns:
    ask = (
        b"GET /a HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    answer = (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n"
    )
    return [(True, ask), (False, answer)]


def web_socket_frame(to_server: bool, data: bytes, head: int = 0x82) -> bytes:
    """Return a frame of at most 65,535 bytes (RFC 6455 section 5.2), masked where the client sends it; ``head`` is its
    first byte.
    """
    mask = 0x80 if to_server else 0
    size = bytes([mask | len(data)]) if len(data) < 126 else bytes([mask | 126]) + len(data).to_bytes(2, "big")
    if not to_server:
        return bytes([head]) + size + data
    key = b"\x5a\xa5\x0f\xf1"
    return bytes([head]) + size + key + bytes(byte ^ key[at % 4] for at, byte in enumerate(data))


def _fragments(to_server: bool, data: bytes) -> bytes:
    first, rest = web_socket_frame(to_server, data[:3], 2), web_socket_frame(to_server, data[9:], 0x80)
    return first + web_socket_frame(to_server, b"x", 0x89) + web_socket_frame(to_server, data[3:9], 0) + rest


def _deflated(to_server: bool, data: bytes) -> bytes:
    deflate = zlib.compressobj(wbits=-15)
    message = deflate.compress(data) + deflate.flush(zlib.Z_SYNC_FLUSH)
    return web_socket_frame(to_server, message[:-4], 0xC2)


def _socks_in_web_socket() -> Turns:
    turns = [(True, b"\5\1\0"), (False, b"\5\0"), (True, b"\5\1\0\3\1a\1\xbb"), (False, b"\5\0\0\1" + bytes(6))]
    return [(side, web_socket_frame(side, data)) for side, data in turns]
