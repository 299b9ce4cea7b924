"""Telnet, by option negotiation.

:checked: IAC commands WILL, WONT, DO, DONT of registered options, or a subnegotiation, from the first byte on: two
    of one side, or one of each
:source: RFC 854, RFC 855, IANA telnet options
:minimum: 6 bytes of one side, or 3 of both
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, LEANING, Evidence, goes_on, server_first
from ..transactions.hello_watch import watch_for_tls

api_version = 1
protocols = ("telnet",)
transport = "tcp"
tier = "server_first"
speaks_first = "server"
first_client = None
first_server = None

_OPTIONS: Final = bytes((*range(50), 69, 70, 85, 86, 90, 91, 93, 138, 139, 140, 200, 201, 255))


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Telnet."""
    proved = goes_on(client, server, 3)  # both may begin with one option
    return server_first("telnet", _side(client), _side(server), silent=not server, proved=proved)


pywall_transactions = watch_for_tls


def _side(data: bytes) -> Evidence:
    if not data:
        return MORE
    first = _command(data, 0)
    if first <= 0:
        return NO if first < 0 else MORE
    second = _command(data, first)
    if second > 0:
        return YES
    return LEANING if second == 0 else HINT


def _command(data: bytes, at: int) -> int:
    """Return where the IAC command at ``at`` ends; 0 when it is not all there, -1 when there is none."""
    if data[at : at + 1] not in (b"", b"\xff"):
        return -1
    if len(data) < at + 3:
        code = data[at + 1 : at + 2]
        return 0 if not code or code in b"\xfa\xfb\xfc\xfd\xfe" else -1
    if data[at + 2] not in _OPTIONS:
        return -1
    if 0xFB <= data[at + 1] <= 0xFE:
        return at + 3
    if data[at + 1] != 0xFA:
        return -1
    end = data.find(b"\xff\xf0", at + 3, at + 512)
    return end + 2 if end > 0 else 0 if len(data) < at + 512 else -1
