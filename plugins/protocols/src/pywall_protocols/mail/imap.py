"""Internet Message Access Protocol 4, by the untagged greeting and tagged commands.

:checked: a greeting ``* OK``, ``* PREAUTH`` or ``* BYE`` that names IMAP or has a capability; a tagged command that
    only IMAP has, by its full grammar; else a greeting and any tagged command
:source: RFC 9051 and 3501 sections 6, 7.1 and 9; STARTTLS: section 6.2.1
:minimum: the first line of one side
:facts: user, banner
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.dialogue import MAX_LINE, Line, lines, lines_before
from ..parsing.evidence import HINT, LEANING, Description, Evidence, server_first
from ..parsing.wire import text
from ..transactions.mail import ImapDialogue

api_version = 1
protocols = ("imap",)
transport = "tcp"
tier = "server_first"
speaks_first = "server"
first_client = None
first_server = b"*"

_TAG: Final = rb"[!#$&',\-./0-9:;<=>?@A-Z^_`a-z|~\[\]]{1,32}"
_TAG_BYTES: Final = b"!#$&',-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~[]"
_COMMAND_BYTES: Final = b"CNLSAEDRUFGIMX"
_COMMAND: Final = re.compile(
    rb"(" + _TAG + rb") (CAPABILITY|NOOP|LOGOUT|STARTTLS|AUTHENTICATE \S+.*|LOGIN \S+ .+|ENABLE .+|SELECT .+|EXAMINE .+"
    rb"|CREATE .+|DELETE .+|RENAME .+|SUBSCRIBE .+|UNSUBSCRIBE .+|LIST .+|LSUB .+|NAMESPACE|STATUS .+|APPEND .+"
    rb"|IDLE|CHECK"
    rb"|CLOSE|UNSELECT|EXPUNGE|SEARCH .+|FETCH .+|STORE .+|COPY .+|MOVE .+|UID .+|ID [(N].*|COMPRESS .+"
    rb"|GETQUOTA.*|XLIST .+)\s*$",
    re.I,
)
_DECISIVE: Final = re.compile(
    _TAG + rb" (?:CAPABILITY|STARTTLS|AUTHENTICATE [A-Z0-9_-]{3,20}(?: \S+)?|SELECT (?:\"?INBOX\"?|\".*\")"
    rb"|UID (?:FETCH|SEARCH|STORE|COPY) .+|ID \(.*\)|ID NIL|(?:LIST|LSUB) \"[^\"]*\" \S+|NAMESPACE)\s*$",
    re.I,
)
_LOGIN: Final = re.compile(rb"\S+ LOGIN \"?([^\" ]+)", re.I)
_SERVER: Final = re.compile(
    rb"\* (?:OK|PREAUTH|BYE)\b.*(?:IMAP|\[CAPABILITY |\[ALERT|dovecot|cyrus|courier|exchange|zimbra)", re.I
)
_GREETINGS: Final = (b"* OK", b"* PREAUTH", b"* BYE")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect IMAP; hand over to TLS behind STARTTLS."""
    commands = lines(client)
    return server_first(
        "imap",
        _client(client),
        _server(server),
        _describe,
        client,
        server,
        silent=not server,
        proved=_has_answer(commands, server),
    )


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Find STARTTLS whenever it comes."""
    return ImapDialogue.follow(flow)


def _describe(client: bytes, server: bytes) -> Description:
    commands = lines(client)
    facts: dict[str, Any] = {}
    restart = _starttls(commands, server)
    done = len(commands) >= 16
    for line in lines_before(commands, restart):
        if login := _LOGIN.match(line):
            facts["user"] = text(login[1])
        word = line.split()[1].upper() if len(line.split()) > 1 else b""
        if word in (b"LOGIN", b"SELECT", b"EXAMINE", b"LIST", b"LOGOUT"):
            done = True
            break
    greeting = lines(server, 1)
    if greeting:
        facts["banner"] = text(greeting[0][0].partition(b" ")[2])
    return Description(facts, done and bool(greeting), restart)


def _client(data: bytes) -> Evidence:
    if not data:
        return MORE
    blank = data.find(b" ", 0, 33)
    if blank == 0 or (blank < 0 and len(data) > 32) or data[0] not in _TAG_BYTES:
        return NO
    if blank > 0 and data[blank + 1 : blank + 2].upper() not in _COMMAND_BYTES:
        return NO
    for line, _ in lines(data, 1):
        if _DECISIVE.match(line):
            return YES
        return HINT if _COMMAND.match(line) else NO
    tag, _, _ = data.partition(b" ")
    if len(data) > MAX_LINE or not re.fullmatch(_TAG, tag.rstrip(b"\r")):
        return NO
    return MORE


def _server(data: bytes) -> Evidence:
    if not data:
        return MORE
    line = data[: data.find(b"\n") + 1]
    if _SERVER.match(data) if not line else _SERVER.match(line):
        return YES
    for greeting in _GREETINGS:
        if data.startswith(greeting) and data[len(greeting) : len(greeting) + 1] in (b"", b" ", b"\r", b"\n"):
            return HINT if line or len(data) > MAX_LINE else LEANING
        if greeting.startswith(data):
            return MORE
    return NO


def _has_answer(commands: Sequence[Line], server: bytes) -> bool:
    """The server answered the first command: with its tag, a continuation, or what it asked for."""
    if not commands:
        return False
    tag = commands[0][0].partition(b" ")[0]
    for line, _ in lines(server):
        found, _, rest = line.partition(b" ")
        if found == tag and rest[:3].upper().strip() in (b"OK", b"NO", b"BAD"):
            return True
        if found == b"+" or (found == b"*" and not line.startswith(_GREETINGS)):
            return True
    return False


def _starttls(commands: Sequence[Line], server: bytes) -> tuple[int, int] | None:
    """Return the offsets behind the command STARTTLS and behind its tagged OK."""
    for line, end in commands:
        tag, _, command = line.partition(b" ")
        if command.strip().upper() == b"STARTTLS":
            at = server.find(b"\n" + tag + b" OK")
            last = server.find(b"\n", at + 1) + 1
            if at >= 0 and last:
                return end, last
    return None
