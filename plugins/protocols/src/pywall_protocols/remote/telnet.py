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

from ..parsing.evidence import HINT, LEANING, Evidence, server_first
from ..transactions.hello_watch import watch_for_tls

api_version = 1
protocols = ("telnet",)
transport = "tcp"
tier = "server_first"
speaks_first = "server"
first_client = None
first_server = None

_OPTIONS: Final = bytes((*range(50), 69, 70, 85, 86, 90, 91, 93, 138, 139, 140, 200, 201, 255))
#: commands of a side that are looked at, and what answers WILL, WON'T, DO and DON'T
_MOST_COMMANDS: Final = 32
_SUBNEGOTIATION: Final = 0xFA
_ANSWERS: Final = {0xFB: (0xFD, 0xFE), 0xFC: (0xFE,), 0xFD: (0xFB, 0xFC), 0xFE: (0xFC,)}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Telnet."""
    return server_first(
        "telnet",
        _side(client),
        _side(server),
        silent=not server,
        proved=lambda: _agree(_options(client), _options(server)),
    )


pywall_transactions = watch_for_tls


def _options(data: bytes) -> set[tuple[int, int]]:
    """Return what one side's first commands offer and ask for, and the options: 0xfb to 0xfe, without what is set."""
    found = set()
    at = 0
    for _ in range(_MOST_COMMANDS):
        end = _command(data, at)
        if end <= at:
            break
        if data[at + 1] != _SUBNEGOTIATION:
            found.add((data[at + 1], data[at + 2]))
        at = end
    return found


def _agree(ones: set[tuple[int, int]], others: set[tuple[int, int]]) -> bool:
    """Return True if one side does, or refuses, what the other offers or asks for (RFC 854)."""
    return any((answer, option) in others for command, option in ones for answer in _ANSWERS[command])


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
