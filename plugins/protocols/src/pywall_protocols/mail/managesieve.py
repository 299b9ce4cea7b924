"""ManageSieve, by the capabilities with which the server greets.

:checked: lines of a quoted name in capitals, with a quoted value or without, among them ``"IMPLEMENTATION"`` and
    ``"SIEVE"``, up to ``OK``; the client's first command
:source: RFC 5804 sections 1.7 (capabilities) and 2 (commands), STARTTLS: section 2.2
:minimum: the server's greeting
:facts: implementation
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.wire import text
from ..transactions.mail import SieveDialogue

api_version = 1
protocols = ("managesieve",)
transport = "tcp"
tier = "server_first"
speaks_first = "server"
first_client = None
first_server = b'"'

#: bytes of a client that is not greeted yet
_MOST_UNGREETED: Final = 1024
#: Bytes of a greeting that are waited for.
_LONGEST: Final = 4096
_capability = re.compile(rb'"[A-Z0-9_-]{1,32}"(?: "[^"\r\n]{0,1024}")?\Z').match
_implementation = re.compile(rb'"IMPLEMENTATION" "([^"\r\n]*)"').search
_command = re.compile(
    rb"(?:AUTHENTICATE|STARTTLS|LOGOUT|CAPABILITY|HAVESPACE|PUTSCRIPT|LISTSCRIPTS|SETACTIVE|GETSCRIPT|DELETESCRIPT"
    rb"|RENAMESCRIPT|CHECKSCRIPT|NOOP|UNAUTHENTICATE)[ \r\n]",
    re.IGNORECASE,
).match


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect ManageSieve."""
    if not server and (not client[:16].isascii() or len(client) > _MOST_UNGREETED):
        return NO
    *lines, last = server.split(b"\r\n")
    for at, line in enumerate(lines):
        if line[:2] == b"OK" and at:
            greeting = b"\r\n".join(lines[:at])
            if b'"IMPLEMENTATION"' not in greeting or b'"SIEVE"' not in greeting:
                return NO
            named = _implementation(greeting)
            facts: dict[str, Any] = {"implementation": text(named[1])} if named is not None else {}
            spoken = _command(client) is not None
            return Match("managesieve", facts, confirmed=spoken, done=spoken)
        if _capability(line) is None:
            return NO
    begins = last[:1] in (b"", b'"') or (bool(lines) and b"OK".startswith(last[:2]))
    return MORE if begins and len(server) < _LONGEST else NO


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Find STARTTLS whenever it comes."""
    return SieveDialogue.follow(flow)
