"""ZeroMQ's transport, ZMTP 2 and 3.

:checked: the greeting's signature, and a version, of both sides
:source: ZeroMQ RFC 23/ZMTP sections 2 and 3
:minimum: 11 bytes of one side
:facts: version
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_stream

api_version = 1
protocols = ("zmtp",)
transport = "tcp"
tier = "exact"
first_client = b"\xff"
first_server = b"\xff"

_SIGNATURE: Final = 10
#: bytes of a greeting of version 3; both may send the same
_GREETING: Final = 64
#: a command behind the greeting: of security, or ready (RFC 23 to 27 of ZeroMQ)
_COMMAND: Final = re.compile(rb"[\x04\x06](?:\x00{7})?[\s\S](?:\x05(?:READY|HELLO|ERROR)|\x07WELCOME|\x08INITIATE)")
_SOCKET: Final = re.compile(rb"\x0bSocket-Type\x00{3}[\x03-\x06]([A-Z]{3,6})")
_PEERS: Final = {
    b"REQ": (b"REP", b"ROUTER"),
    b"REP": (b"REQ", b"DEALER"),
    b"DEALER": (b"REP", b"DEALER", b"ROUTER"),
    b"ROUTER": (b"REQ", b"DEALER", b"ROUTER"),
    b"PUB": (b"SUB", b"XSUB"),
    b"XPUB": (b"SUB", b"XSUB"),
    b"SUB": (b"PUB", b"XPUB"),
    b"XSUB": (b"PUB", b"XPUB"),
    b"PUSH": (b"PULL",),
    b"PULL": (b"PUSH",),
    b"PAIR": (b"PAIR",),
}
_VERSIONS: Final = {1: "2.0", 2: "2.1", 3: "3"}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect ZMTP."""
    return by_stream("zmtp", _greeting, client, server, proved=lambda: server[10:11] != b"\3" or _fit(client, server))


def _fit(client: bytes, server: bytes) -> bool:
    """Return True if each side goes on with a command, and sockets that they name are such as talk to each other."""
    if not _COMMAND.match(client, _GREETING) or not _COMMAND.match(server, _GREETING):
        return False
    one, other = _SOCKET.search(client, _GREETING), _SOCKET.search(server, _GREETING)
    return one is None or other is None or other[1] in _PEERS.get(one[1], ())


def _greeting(data: bytes) -> Evidence:
    """Eight bytes between 0xff and 0x7f, which an older peer takes for a length: zeros, the last one 0 or 1."""
    if data[0] != 0xFF or any(data[1:8]) or (len(data) > 8 and data[8] > 1):
        return NO
    if len(data) > 9 and data[9] != 0x7F:
        return NO
    if len(data) <= _SIGNATURE:
        return MORE
    return {"version": _VERSIONS[data[10]]} if data[10] in _VERSIONS else NO
