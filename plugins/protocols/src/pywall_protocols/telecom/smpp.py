"""Short Message Peer-to-Peer, by the header of the first operation.

:checked: length, a command of the protocol, status 0 of a request, a sequence number; the strings of a bind; a
    response with the command and number of a request
:source: SMPP 3.4 sections 3.2, 4.1 and 5.1.2.1, SMPP 5.0
:minimum: 16 bytes of each side, or a bind
:facts: command, system_id
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, Description, Evidence, client_first
from ..parsing.wire import text, u32

api_version = 1
protocols = ("smpp",)
transport = "tcp"
tier = "structural"
first_client = b"\0"
first_server = b"\0"

_COMMANDS: Final = {
    1: "bind_receiver",
    2: "bind_transmitter",
    3: "query_sm",
    4: "submit_sm",
    5: "deliver_sm",
    6: "unbind",
    7: "replace_sm",
    8: "cancel_sm",
    9: "bind_transceiver",
    0x0B: "outbind",
    0x15: "enquire_link",
    0x21: "submit_multi",
    0x102: "alert_notification",
    0x103: "data_sm",
}
_RESPONSE: Final = 0x80000000
#: messages of a side among which a request and its response are looked for
_MOST_COMPARED: Final = 8
_BIND: Final = re.compile(rb"([ -~]{0,15})\0([ -~]{0,8})\0[ -~]{0,12}\0[\x00-\x50]", re.S)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SMPP."""
    asks, says = _side(client), _side(server)
    both = asks in (YES, HINT) and says in (YES, HINT)
    proved = both and (_is_answered(client, server) or _is_answered(server, client))
    return client_first("smpp", asks, says, _describe, client, server, proved=proved)


def _is_answered(asked: bytes, answers: bytes) -> bool:
    """Return True if a response of one side has the command and the number of a request of the other."""
    requests = {(command, number) for command, number in _heads(asked) if not command & _RESPONSE}
    return any((command ^ _RESPONSE, number) in requests for command, number in _heads(answers))


def _heads(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield command and number of the first messages."""
    at = 0
    for _ in range(_MOST_COMPARED):
        if at + 16 > len(data):
            return
        yield u32(data, at + 4), u32(data, at + 12)
        at += max(u32(data, at), 16)


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    command = u32(client, 4) if len(client) >= 16 else 0
    whole = command > 0 and len(client) >= u32(client, 0)
    if whole:
        facts["command"] = _COMMANDS.get(command & 0x7FFFFFFF, "unknown")
        bind = _BIND.match(client, 16) if command in (1, 2, 9) else None
        if bind:
            facts["system_id"] = text(bind[1])
    return Description(facts, done=whole)


def _side(data: bytes) -> Evidence:
    if len(data) < 16:
        return MORE if data[:2] in (b"", b"\0", b"\0\0") and data[4:5] in (b"", b"\0", b"\x80") else NO
    size, command, status, number = u32(data, 0), u32(data, 4), u32(data, 8), u32(data, 12)
    kind = command & 0x7FFFFFFF
    if not 16 <= size <= 4096 or (kind not in _COMMANDS and command != 0x80000000) or not 0 < number < 0x80000000:
        return NO
    if command & 0x80000000:
        return HINT if status < 0x800 else NO
    if status:
        return NO
    if kind not in (1, 2, 9):
        return HINT
    if not 23 <= size <= 96:
        return NO
    if len(data) < size:
        return MORE
    return YES if _BIND.match(data, 16) else NO
