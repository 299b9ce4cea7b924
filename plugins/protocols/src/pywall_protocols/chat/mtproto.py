"""MTProto, Telegram's transport: abridged, intermediate, padded, full, and obfuscated.

:checked: the tag of the framing and the head of an unencrypted message (no key, type of the request for keys), or
    lengths that chain; obfuscated: the tag behind 56 bytes, which the first 48 give the key for (``cryptography`` is
    needed), and a server that deciphers to a frame
:source: core.telegram.org/mtproto, MTProto transports and Transport obfuscation
:minimum: the first frame; obfuscated 64 bytes of the client
:facts: transport
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing import ciphers
from ..parsing.evidence import Evidence, by_request

api_version = 1
protocols = ("mtproto",)
transport = "tcp"
tier = "heuristic"
speaks_first = "client"
first_client = None
first_server = None

_ABRIDGED: Final = b"\xef"
_TAGS: Final = {b"\xef" * 4: "abridged", b"\xee" * 4: "intermediate", b"\xdd" * 4: "padded"}
#: req_pq, req_pq_multi: what a client without a key asks for (little-endian constructors)
_REQUESTS: Final = (b"\x78\x97\x46\x60", b"\xf1\x8e\x7e\xbe")
_RES_PQ: Final = b"\x63\x24\x16\x05"
_NO_KEY: Final = bytes(8)
_INIT: Final = 64
#: key id, message id, length: before an unencrypted message
_PLAIN_HEAD: Final = 20
_LONGEST: Final = 1 << 20
#: what an obfuscated stream must not begin with, so that it is taken for nothing else
_READ: Final = (
    b"\t\n\r !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~"
)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect MTProto."""
    if server and len(client) < _INIT and _framing(client) == ("", 0):
        return NO  # obfuscated, all of it is sent before anything is answered
    return by_request("mtproto", _request, _answers, flow, client, server)


def _request(data: bytes) -> Evidence:
    name, start = _framing(data)
    if name:
        head = data[start : start + _PLAIN_HEAD + 4]
        if head[:8] != _NO_KEY[: len(head)]:
            return NO
        if len(head) < _PLAIN_HEAD + 4:
            return MORE
        return {"transport": name} if head[_PLAIN_HEAD:] in _REQUESTS else NO
    if start < 0:
        return MORE
    return _obfuscated(data)


def _framing(data: bytes) -> tuple[str, int]:
    """Return the framing in the clear and where its first message begins; ("", -1) while that is open, ("", 0) for
    none.
    """
    if data[:1] == _ABRIDGED:
        if len(data) < 5:
            return "", -1
        return "abridged", 2 if data[1] < 0x7F else 5
    if len(data) < 4:
        return "", -1 if data[:1] in (b"\xee", b"\xdd") else 0
    if data[:4] in _TAGS:
        return _TAGS[data[:4]], 8
    if len(data) >= 12 and data[4:8] == bytes(4) and data[8:12] == bytes(4):
        return "full", 8  # length, and number of the message: the first
    return "", 0


def _obfuscated(data: bytes) -> Evidence:
    read = len(data) >= 4 and all(byte in _READ for byte in data[:4])
    if not ciphers.AVAILABLE or read or data[4:8] == bytes(4):
        return NO
    if len(data) < _INIT:
        return MORE
    tag = ciphers.ctr(data[8:40], data[40:56], data[:_INIT])[56:60]
    return {"transport": f"obfuscated {_TAGS[tag]}"} if tag in _TAGS else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    """Return the frame with the answer to the request for keys; obfuscated, a frame whose length can be one."""
    name, start = _framing(request)
    if name:
        at = start - 1 if name == "abridged" else start - 4 if name != "full" else start
        if len(answer) < at + _PLAIN_HEAD + 4:
            return MORE
        plain = answer[at : at + 8] == _NO_KEY and answer[at + _PLAIN_HEAD : at + _PLAIN_HEAD + 4] == _RES_PQ
        return YES if plain else NO
    if len(answer) < 12:
        return MORE
    turned = request[8:56][::-1]
    head = ciphers.ctr(turned[:32], turned[32:48], answer[:12])
    tag = ciphers.ctr(request[8:40], request[40:56], request[:_INIT])[56:60]
    if tag[:1] == _ABRIDGED:
        return NO  # a length of one byte proves nothing
    return YES if 0 < int.from_bytes(head[:4], "little") & 0x7FFFFFFF <= _LONGEST else NO
