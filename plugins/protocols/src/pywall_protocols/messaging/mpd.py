"""MPD, the Music Player Daemon's line protocol.

:checked: the greeting ``OK MPD version``; ``OK`` or ``ACK`` behind the client's first command
:source: MPD documentation, Protocol
:minimum: the greeting
:facts: version
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import LF, starts, text

api_version = 1
protocols = ("mpd",)
transport = "tcp"
tier = "server_first"
speaks_first = "server"
first_client = None
first_server = b"O"

_GREETING: Final = re.compile(rb"OK MPD (\d{1,3}(?:\.\d{1,3}){1,3})\n")
_BEGINNING: Final = b"OK MPD "
_ANSWER: Final = re.compile(rb"(?:[ -~\x80-\xff]+: [^\n]*\n){0,64}(?:list_OK\n)*(?:OK\n|ACK \[\d+@\d+\] )")
#: bytes of a client that is not greeted yet
_MOST_UNGREETED: Final = 1024
_COMMAND: Final = re.compile(rb"[a-z_]{2,32}(?: [^\n]*)?\n")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect MPD."""
    if not server and (not client[:16].isascii() or len(client) > _MOST_UNGREETED):
        return NO
    greeting = _GREETING.match(server)
    if greeting is None:
        longer = len(server) >= 32 or LF in server
        return NO if starts(server[: len(_BEGINNING)], _BEGINNING) is NO or longer else MORE
    facts: dict[str, Any] = {"version": text(greeting[1])}
    if client and not _COMMAND.match(client):
        wrong = LF in client or len(client) > 64
        return Match("mpd", facts, confirmed=False, done=wrong)
    confirmed = bool(client) and _ANSWER.match(server, greeting.end()) is not None
    return Match("mpd", facts, confirmed, done=confirmed)
