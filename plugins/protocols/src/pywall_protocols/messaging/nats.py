"""NATS, a message broker's line protocol.

:checked: the server's ``INFO`` with a JSON object, the client's ``CONNECT`` with one; else a pair of the protocol's
    verbs; TLS behind an ``INFO`` that offers it is handed over
:source: NATS documentation, Client Protocol
:minimum: the first line of one side
:facts: none
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.dialogue import lines
from ..parsing.evidence import HINT, Evidence, server_first
from ..parsing.wire import LF
from ..transactions.hello_watch import watch_for_tls

api_version = 1
protocols = ("nats",)
transport = "tcp"
tier = "exact"
speaks_first = "server"
first_client = b"CcPpSsUu\x16"
first_server = b"IiPp+-Mm"

_INFO: Final = re.compile(rb"INFO[ \t]+\{[^\r\n]*\}[ \t]*\r\n", re.I)
_OFFERS_TLS: Final = re.compile(rb'"tls_(?:required|available)"[ \t]*:[ \t]*true').search
_CONNECT: Final = re.compile(rb"CONNECT[ \t]+\{[^\r\n]*\}[ \t]*\r\n", re.I)
_CLIENT: Final = re.compile(rb"(?:PING|PONG|SUB \S+(?: \S+)? \S+|UNSUB \S+(?: \d+)?|PUB \S+(?: \S+)? \d+)\r\n", re.I)
_SERVER: Final = re.compile(rb"(?:PING|PONG|\+OK|-ERR '[^'\r\n]*'|MSG \S+ \S+(?: \S+)? \d+)\r\n", re.I)
_LONGEST: Final = 8192
_MOST_PINGS: Final = 32
_OPENINGS: Final = (b"CONNECT", b"PING", b"PONG", b"SUB ", b"UNSUB ", b"PUB ")
_ANSWERS: Final = (b"INFO", b"PING", b"PONG", b"+OK", b"-ERR '", b"MSG ")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect NATS."""
    if client[:1] == b"\x16":
        info = _INFO.match(server)
        if info is not None and _OFFERS_TLS(info[0]):
            return Match("nats", restart=(0, info.end()))
    asked, said = _side(client, _CONNECT, _CLIENT, _OPENINGS), _side(server, _INFO, _SERVER, _ANSWERS)
    if not server and asked is HINT and _says_something_else(client):
        return NO
    proved = client[:4].upper() != server[:4].upper() or _goes_on(server)  # both may ask for a sign of life
    return server_first("nats", asked, said, silent=not server, proved=proved)


pywall_transactions = watch_for_tls


def _goes_on(server: bytes) -> bool:
    """Return whether a server says what no client says, among its first lines."""
    return any(line.upper().startswith((b"INFO", b"+OK", b"-ERR '", b"MSG ", b"PONG")) for line, _ in lines(server, 4))


def _says_something_else(client: bytes) -> bool:
    """Return whether a client that begins with PING, as one of Redis may, goes on with what none of NATS says."""
    for line, _ in lines(client, _MOST_PINGS):
        if line.upper() not in (b"PING", b"PONG"):
            return _side(line + b"\r\n", _CONNECT, _CLIENT, _OPENINGS) is NO
    return False


def _side(data: bytes, own: re.Pattern[bytes], shared: re.Pattern[bytes], verbs: tuple[bytes, ...]) -> Evidence:
    if not data or own.match(data):
        return YES if data else MORE
    if shared.match(data):
        return HINT
    if LF in data or len(data) > _LONGEST:
        return NO
    head = data[:8].upper()
    return MORE if any(head.startswith(verb) or verb.startswith(head) for verb in verbs) else NO
