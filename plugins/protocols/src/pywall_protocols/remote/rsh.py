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

from pywall_core.api import Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, OPEN, PROOF, REFUTED, Grade, by_client
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
    server_grade = _server(server)
    if fields is None:
        return by_client("rsh", OPEN if _BEGINNING.match(client) else REFUTED, server_grade)
    if fields[1]:
        facts = {"user": text(fields[2]), "server_user": text(fields[3]), "command": text(fields[4])}
        return by_client("rsh", PROOF, server_grade, facts, proved=False)
    if not _TERMINAL.match(fields[4]):
        return by_client(
            "rsh",
            HINT,
            server_grade,
            {"user": text(fields[2]), "server_user": text(fields[3]), "command": text(fields[4])},
            proved=False,
        )
    return by_client(
        "rlogin",
        PROOF,
        server_grade,
        {"user": text(fields[2]), "server_user": text(fields[3]), "terminal": text(fields[4])},
        proved=False,
    )


def _server(data: bytes) -> Grade:
    if not data:
        return (0, 1)
    return HINT if data[0] <= 1 else REFUTED
