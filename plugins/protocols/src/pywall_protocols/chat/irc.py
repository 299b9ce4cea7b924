"""Internet Relay Chat, by the registration and the prefixed messages of the server.

:checked: ``USER`` with its four parameters, ``CAP``, ``JOIN`` of a channel, ``PRIVMSG`` or two weaker commands; a
    server message of a prefix and a numeric, ``NOTICE`` or ``CAP``
:source: RFC 2812 sections 2.3.1 and 3, RFC 1459, IRCv3 capability negotiation and STARTTLS (numeric 670)
:minimum: the first line of one side
:facts: nick, user, server
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.copies import is_copy
from ..parsing.dialogue import MAX_LINE, Line, Verbs, first_bytes, has_few_controls, lines, lines_before, verb_of
from ..parsing.evidence import HINT, LEANING, Description, Evidence, client_first
from ..parsing.wire import text
from ..transactions.chat import IrcDialogue

api_version = 1
protocols = ("irc",)
transport = "tcp"
tier = "exact"
first_server = None

_DECISIVE: Final = re.compile(
    rb"\s*(?:USER\s+\S+\s+\S+\s+\S+\s+:|CAP\s+(?:LS|REQ|END|LIST|ACK)\b|JOIN\s+[#&+!][^\s:]+|PRIVMSG\s+\S+\s+:?\S"
    rb"|NOTICE\s+\S+\s+:|WEBIRC\s+\S+\s+\S+|MODE\s+\S+\s+[+-][A-Za-z]|SERVER\s+\S+\s+\d)",
    re.I,
)
_OWN: Final = frozenset(
    b"NICK USER PASS CAP JOIN PRIVMSG NOTICE MODE PING PONG QUIT WHO WHOIS LIST PART TOPIC AWAY USERHOST ISON "
    b"INVITE KICK OPER WEBIRC SERVER PROTOCTL AUTHENTICATE STARTTLS".split()
)
first_client = first_bytes(_OWN)
#: alone they may be FTP's, POP3's or Redis's
_SHARED: Final = frozenset({b"USER", b"PASS", b"QUIT", b"LIST", b"MODE", b"PING", b"SERVER", b"AUTHENTICATE"})
_SERVER: Final = re.compile(
    rb":[^\s:]{1,128} +(?:\d{3}|NOTICE|CAP|MODE|PRIVMSG|JOIN|PONG|PING|ERROR) +\S|NOTICE +(?:AUTH|\*) +:", re.I
)
_SERVER_HINT: Final = re.compile(
    rb"(?:PING +:?\S|ERROR +:|NOTICE +\S+ +:|AUTHENTICATE +|CAP +(?:\S+ +)?(?:LS|LIST|ACK|NAK|NEW|DEL)\b)", re.I
)
_WORDS: Final = Verbs(frozenset({b"PING", b"ERROR", b"NOTICE", b"AUTHENTICATE", b"CAP"}))
_VERBS: Final = Verbs(_OWN)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect IRC; hand over to TLS behind STARTTLS."""
    proved = _is_line(client) and _is_own(client, server)
    return client_first("irc", _client(client, bool(server)), _server(server), _describe, client, server, proved=proved)


def _is_line(client: bytes) -> bool:
    """Return True if the first line has few control characters, where it is one of those that register: others may
    have colours. Names are of any encoding."""
    first = lines(client, 1)
    registers = client[:4].upper() in (b"NICK", b"USER", b"PASS", b"CAP ")
    return not registers or (bool(first) and has_few_controls(first[0][0]))


def _is_own(client: bytes, server: bytes) -> bool:
    """Return True unless the server's first line, without who sends it, says nearly what one of the client's does; a
    mechanism of SASL is answered with a plus sign (IRCv3, sasl)."""
    first = lines(server, 1)
    if not first or server[:1] == b":" or first[0][0].upper() == b"AUTHENTICATE +":
        return True
    line = first[0][0]
    return not any(verb_of(each) == verb_of(line) and is_copy(each, line) for each, _ in lines(client))


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Find STARTTLS whenever it comes."""
    return IrcDialogue.follow(flow)


def _describe(client: bytes, server: bytes) -> Description:
    commands = lines(client)
    facts: dict[str, Any] = {}
    restart = _starttls(commands, server)
    done = len(commands) >= 16
    for line in lines_before(commands, restart):
        fields = line.split()
        verb = verb_of(line)
        if verb in (b"NICK", b"USER") and len(fields) > 1:
            facts.setdefault(verb.decode().lower(), text(fields[1]))
        if verb in (b"JOIN", b"PRIVMSG", b"QUIT"):
            done = True
            break
    greeting = lines(server, 1)
    if greeting and greeting[0][0].startswith(b":"):
        facts["server"] = text(greeting[0][0][1:].split(b" ", 1)[0])
    return Description(facts, done and bool(greeting), restart)


def _client(data: bytes, answered: bool) -> Evidence:
    if not data:
        return MORE
    if not _VERBS.begin(data):
        return NO
    commands = lines(data)
    at = 0
    seen: set[bytes] = set()
    pings = False
    for line, end in commands[:8]:
        if _DECISIVE.match(line):
            return YES
        verb = verb_of(line)
        if verb == b"INVITE" and line.upper().endswith(b" SIP/2.0"):
            return NO
        if verb not in _OWN:
            return NO if seen <= _SHARED and not (pings and answered) else HINT
        seen.add(verb)
        pings = pings or (verb == b"PING" and len(line.split()) > 1)  # Redis asks so as well, its server differs
        if b"NICK" in seen and b"USER" in seen:
            return YES
        at = end
    if len(commands) >= 8:
        return NO if seen <= _SHARED and not pings else HINT
    if seen - _SHARED or pings:
        return LEANING
    return MORE if _VERBS.may_begin(data[at:]) else NO


def _server(data: bytes) -> Evidence:
    if not data:
        return MORE
    if data[0] not in b":PpEeNnAaCc":
        return NO
    first = lines(data, 1)
    if not first:
        possible = data.startswith(b":") or _WORDS.may_begin(data)
        return MORE if possible and len(data) <= MAX_LINE else NO
    if _SERVER.match(first[0][0]):
        return YES
    return HINT if _SERVER_HINT.match(first[0][0]) else NO


def _starttls(commands: Sequence[Line], server: bytes) -> tuple[int, int] | None:
    """Return the offsets behind the command STARTTLS and behind its numeric 670."""
    for line, end in commands:
        if verb_of(line) == b"STARTTLS":
            for answer, last in lines(server, 64):
                if answer.split()[1:2] == [b"670"]:
                    return end, last
    return None
