"""Simple Mail Transfer Protocol (and LMTP), by the greeting, the first decisive command, and the replies.

:checked: a greeting of code 220 (or a refusal) that names SMTP, or a reply to EHLO with extensions; ``EHLO``,
    ``HELO`` or ``MAIL FROM:`` from the client; weaker commands and replies when both sides agree
:source: RFC 5321 sections 3.1, 4.1.1 and 4.2, RFC 2033, STARTTLS: RFC 3207
:minimum: the first line of one side
:facts: helo, mail_from, rcpt_to, banner
"""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.dialogue import Verbs, has_answer, lines, lines_before, replies, replies_of, switch, verb_of
from ..parsing.evidence import HINT, LEANING, Description, Evidence, server_first
from ..parsing.wire import text
from ..transactions.mail import SmtpDialogue

api_version = 1
protocols = ("smtp",)
transport = "tcp"
tier = "server_first"
speaks_first = "server"
first_client = None
first_server = None

_HELLO: Final = frozenset({b"EHLO", b"HELO", b"LHLO"})
_OWN: Final = frozenset(
    {
        b"RSET",
        b"STARTTLS",
        b"VRFY",
        b"EXPN",
        b"DATA",
        b"BDAT",
        b"ETRN",
        b"XCLIENT",
        b"XFORWARD",
        b"BURL",
        b"TURN",
        b"SEND",
    }
)
#: also said by clients of other protocols: the next line decides
_SHARED: Final = frozenset({b"QUIT", b"NOOP", b"HELP"})
_VERBS: Final = Verbs(_HELLO | _OWN | _SHARED | {b"MAIL", b"RCPT", b"AUTH"})
_PATH: Final = re.compile(rb"\s*(?:MAIL\s+FROM|RCPT\s+TO)\s*:\s*(\S*)", re.I)
#: a mechanism, but not those of FTP (RFC 4217, 2228)
_AUTH: Final = re.compile(rb"\s*AUTH (?!TLS|SSL|GSSAPI\s*\Z)[A-Z0-9_-]{3,20}(?: \S+)?\s*\Z", re.I)
#: as many become facts
_RECIPIENTS: Final = 8
_MAIL: Final = re.compile(rb"\s*MAIL\s+FROM\s*:\s*(\S*)", re.I)
_EXTENSION: Final = re.compile(
    rb"(?:^|[\r\n]250[ -])(?:SIZE|PIPELINING|8BITMIME|STARTTLS|AUTH[ =]|ENHANCEDSTATUSCODES|DSN)", re.I
)
_SERVER: Final = re.compile(rb"SMTP|LMTP|postfix|sendmail|exim|mail service|mailserver|mail server", re.I)
#: greetings that are someone else's
_OTHER: Final = re.compile(rb"\bFTP|FTPD|filezilla|NNTP", re.I)
_CODES: Final = frozenset({220, 250, 421, 450, 451, 452, 454, 500, 501, 502, 503, 504, 521, 530, 535, 550, 554})


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SMTP; hand over to TLS behind STARTTLS."""
    # where the start was not seen the side that speaks first passes for the client
    if flow.midstream and client[:1].isdigit():
        answer = _detect(server, client, midstream=True)
        if isinstance(answer, Match) and answer.restart:
            return replace(answer, restart=answer.restart[::-1])
        return answer
    return _detect(client, server, flow.midstream)


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Follow every mail, and STARTTLS whenever it comes."""
    return SmtpDialogue.follow(flow)


def _detect(client: bytes, server: bytes, midstream: bool) -> Match | Answer:
    proved = has_answer(lines(client), replies(server), midstream)
    return server_first(
        "smtp", _client(client), _server(server), _describe, client, server, silent=not server, proved=proved
    )


def _describe(client: bytes, server: bytes) -> Description:
    commands = lines(client)
    answers = replies(server)
    facts: dict[str, Any] = {}
    restart = switch(commands, answers, lambda line: verb_of(line) == b"STARTTLS", 220)
    done = len(commands) >= 16
    for line in lines_before(commands, restart):
        verb = verb_of(line)
        if verb in _HELLO and (host := line[4:].strip()):
            facts.setdefault("helo", text(host))
        elif found := _MAIL.match(line):
            facts.setdefault("mail_from", text(found[1].strip(b"<>")))
        elif found := _PATH.match(line):
            facts["rcpt_to"] = [*facts.get("rcpt_to", []), text(found[1].strip(b"<>"))][:_RECIPIENTS]
        elif verb in (b"DATA", b"BDAT", b"QUIT"):
            done = True
            break
    if answers and answers[0][0] == 220:
        facts["banner"] = text(answers[0][1].split(b"\n", 1)[0].strip())
    return Description(facts, done and bool(answers), restart)


def _client(data: bytes) -> Evidence:
    if not data:
        return MORE
    if not _VERBS.begin(data):
        return NO
    commands = lines(data)
    at = 0
    for line, end in commands:
        verb = verb_of(line)
        if verb in _HELLO:
            return YES if len(line.split()) == 2 else HINT
        if _PATH.match(line):
            return YES
        if verb in _OWN or _AUTH.match(line):
            return HINT
        if verb not in _SHARED:
            return NO
        at = end
    if len(commands) >= 16:
        return NO
    return MORE if _VERBS.may_begin(data[at:]) else NO


def _server(data: bytes) -> Evidence:
    answers = replies_of(data)
    if isinstance(answers, Answer):
        return answers
    if not answers:
        if data[:4] in (b"220-", b"220 ") and _SERVER.search(data[: data.rfind(b"\n") + 1]):
            return YES
        return MORE if len(data) <= 8192 else HINT
    code, greeting, _ = answers[0]
    if code not in _CODES:
        return NO
    if _SERVER.search(greeting):
        return YES
    if _OTHER.search(greeting):
        return NO
    if any(c == 250 and _EXTENSION.search(reply) for c, reply, _ in answers[:3]):
        return YES
    return LEANING if len(answers) < 3 else HINT
