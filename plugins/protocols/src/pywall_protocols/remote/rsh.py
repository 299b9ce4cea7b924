"""Remote shell and remote login of 4.2BSD.

:checked: rsh: a port in digits, two user names and a command, each ended by NUL; rlogin: a NUL, two user names and
    terminal/speed; the server's NUL, or 1 and an error message
:source: rcmd(3) and rshd(8) of 4.4BSD; RFC 1282 (rlogin)
:minimum: the four fields
:facts: user, server_user, command (rsh), terminal (rlogin)
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, WEAK, Description, Evidence, client_first
from ..parsing.wire import text

api_version = 1
protocols = ("rsh", "rlogin")
transport = "tcp"
tier = "heuristic"
first_client = b"\x000123456789"
first_server = b"\0\1"

_FIELDS: Final = re.compile(rb"(\d{0,5})\0([A-Za-z0-9_.@\\-]{1,32})\0([A-Za-z0-9_.@\\-]{1,32})\0([ -~\t\n]{1,1024})\0")
_BEGINNING: Final = re.compile(
    rb"\d{0,5}(?:\0[A-Za-z0-9_.@\\-]{0,32}){0,2}\Z|\d{0,5}(?:\0[A-Za-z0-9_.@\\-]{1,32}){2}\0[ -~\t\n]{0,1024}\Z"
)
_TERMINAL: Final = re.compile(rb"[A-Za-z0-9_.+-]{1,40}/\d{2,7}\Z")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect rsh and rlogin. Servers answer one byte, as noise may, so they are never confirmed."""
    fields = _FIELDS.match(client)
    answered = _server(server)
    if fields is not None and _is_wide_text(client):
        return NO
    if fields is None:
        return client_first("rsh", MORE if _BEGINNING.match(client) else NO, answered)
    name = "rlogin" if _asks_terminal(fields) else "rsh"
    asked = YES if fields[1] or name == "rlogin" else HINT
    return client_first(name, asked, answered, _describe, client, server, proved=False)


def _is_wide_text(data: bytes) -> bool:
    """Return True if the fields are single letters: text in UTF-16."""
    return not any(data[:7:2]) or not any(data[1:8:2])


def _describe(client: bytes, server: bytes) -> Description:
    fields = _FIELDS.match(client)
    assert fields is not None
    wanted = "terminal" if _asks_terminal(fields) else "command"
    return Description({"user": text(fields[2]), "server_user": text(fields[3]), wanted: text(fields[4])})


def _asks_terminal(fields: re.Match[bytes]) -> bool:
    return not fields[1] and _TERMINAL.match(fields[4]) is not None


def _server(data: bytes) -> Evidence:
    if not data:
        return WEAK
    return HINT if data[0] <= 1 else NO
