"""Erlang's distribution between nodes (RabbitMQ, CouchDB, ejabberd, Elixir), and the port mapper that finds them.

:checked: distribution: length, tag and the node's name of the first message, a status as the answer; port mapper: a
    request whose length and fields fit, and the answer that belongs to it
:source: Erlang/OTP, Distribution Protocol sections 14.1 (EPMD), 14.2 (handshake)
:minimum: the first message of each side, 3 and 1 bytes of the port mapper's
:facts: node
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, begins, by_request
from ..parsing.wire import text, u16

api_version = 1
protocols = ("epmd", "erlang")
transport = "tcp"
tier = "structural"
speaks_first = "client"
#: the first byte of a length below 768
first_client = b"\0\1\2"
first_server = None

_NODE: Final = re.compile(rb"[!-~\x80-\xff]{1,255}@[!-~\x80-\xff]{1,255}\Z").match
_NAME: Final = re.compile(rb"[!-~\x80-\xff]{1,255}\Z").match
_OLD, _NEW = ord("n"), ord("N")
#: 'n': version, flags; 'N': flags, creation, length of the name
_OLD_HEAD: Final = 7
_NEW_HEAD: Final = 15
_VERSIONS: Final = (5, 6)
_STATUS: Final = (b"ok", b"ok_simultaneous", b"nok", b"not_allowed", b"alive", b"named:")
#: what the port mapper is asked that has a body: register, and the port of a name
_REGISTER, _PORT = ord("x"), ord("z")
_NAMES: Final = ord("n")
_ONE_BYTE: Final = b"dk"
_NODE_TYPES: Final = (72, 77, 110)
_REGISTER_HEAD: Final = 11
_MOST: Final = 600
_LISTED: Final = b"name "


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Erlang's distribution and its port mapper."""
    if len(client) < 3:
        return NO if client and client[0] not in first_client else MORE
    handshake = u16(client, 0) > 1 and client[2] in (_OLD, _NEW)
    if handshake:
        return by_request("erlang", _send_name, _status, flow, client, server)
    found = by_request("epmd", _ask, _told, flow, client, server, needs_answer=True)
    if isinstance(found, Match) and client[2] == _PORT and server[1]:
        return Match("epmd", found.facts, confirmed=False)  # refused: two bytes prove nothing
    return found


def _whole(data: bytes) -> bytes | Answer:
    """Return the body of the first message."""
    size = u16(data, 0)
    if not 1 <= size <= _MOST:
        return NO
    return data[2 : 2 + size] if len(data) >= 2 + size else MORE


def _send_name(data: bytes) -> Evidence:
    body = _whole(data)
    if not isinstance(body, bytes):
        return body
    if body[0] == _NEW:
        node = body[_NEW_HEAD:]
        holds = len(body) > _NEW_HEAD and u16(body, 13) == len(node)
    else:
        node = body[_OLD_HEAD:]
        holds = len(body) > _OLD_HEAD and u16(body, 1) in _VERSIONS
    return {"node": text(node)} if holds and _NODE(node) else NO


def _status(request: bytes, answer: bytes) -> Answer:
    if len(answer) < 3:
        return MORE if not answer[0] else NO
    body = _whole(answer) if answer[2:3] == b"s" else NO
    if not isinstance(body, bytes):
        return body
    return YES if body[1:] in _STATUS or body.startswith(b"snamed:") else NO


def _ask(data: bytes) -> Evidence:
    body = _whole(data)
    if not isinstance(body, bytes):
        return body
    if len(body) == 1:
        return {} if body[0] == _NAMES or body in _ONE_BYTE else NO
    if body[0] == _PORT:
        return {"node": text(body[1:])} if _NAME(body[1:]) else NO
    return _registers(body) if body[0] == _REGISTER else NO


def _registers(body: bytes) -> Evidence:
    """A port, a kind of node, protocol 0, the highest and the lowest version, a name, and what is extra."""
    if len(body) < _REGISTER_HEAD or not u16(body, 1) or body[3] not in _NODE_TYPES or body[4]:
        return NO
    highest, lowest, size = u16(body, 5), u16(body, 7), u16(body, 9)
    node = body[_REGISTER_HEAD : _REGISTER_HEAD + size]
    extra = body[_REGISTER_HEAD + size :]
    fits = 0 < lowest <= highest < 16 and len(extra) >= 2 and u16(extra, 0) == len(extra) - 2
    facts: dict[str, Any] = {"node": text(node)}
    return facts if fits and _NAME(node) else NO


def _told(request: bytes, answer: bytes) -> Answer:
    asked = request[2]
    if asked == _REGISTER:  # 'v' with a creation of four bytes, or 'y' of two
        return _is_reply(answer, {ord("v"): 6, ord("y"): 4})
    if asked == _PORT:  # 'w': refused with one byte, or a port and what was registered
        if answer[0] != ord("w") or len(answer) < 2:
            return MORE if answer == b"w" else NO
        if answer[1]:
            return YES
        return MORE if len(answer) < 6 else YES if answer[4] in _NODE_TYPES and not answer[5] else NO
    if asked != _NAMES:
        return begins(answer, b"OK")
    if any(answer[:2]):
        return NO
    return begins(answer[4:], _LISTED)


def _is_reply(answer: bytes, sizes: dict[int, int]) -> Answer:
    size = sizes.get(answer[0], 0)
    if not size or any(answer[1:2]):
        return NO
    return YES if len(answer) >= size else MORE
