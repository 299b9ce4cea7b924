"""File Transfer Protocol, control connection; announces the data connections that the server has accepted.

:checked: a greeting that names FTP, or a login reply (331, 227, ...) behind it; commands with arguments of their own
    (``PORT``, ``EPRT``, ``AUTH TLS``, ``TYPE I``); weaker commands and replies when both sides agree
:source: RFC 959 sections 4.1, 4.2 and 5.3, RFC 2428 (EPRT, EPSV), RFC 4217 (AUTH TLS), RFC 2389 (FEAT)
:minimum: the first line of one side
:facts: command, command_data, completion_code, reply, user, banner
"""

from __future__ import annotations

import re
from functools import partial
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.dialogue import Verbs, commands_side, has_answer, lines, replies, replies_of, switch, verb_of
from ..parsing.evidence import HINT, LEANING, Description, Evidence, server_first
from ..parsing.wire import text
from ..transactions.ftp import PASSIVE, FtpDialogue, announce

api_version = 1
protocols = ("ftp",)
transport = "tcp"
tier = "server_first"
announces = ("ftp-data",)
speaks_first = "server"
first_client = None
first_server = None

_VERBS: Final = Verbs(
    own=frozenset(
        b"USER PASS ACCT CWD XCWD CDUP SMNT REIN PORT PASV TYPE STRU MODE RETR STOR STOU APPE ALLO REST RNFR RNTO ABOR "
        b"DELE RMD MKD XMKD XRMD PWD XPWD LIST NLST SITE SYST STAT FEAT OPTS MDTM SIZE MLSD MLST EPRT EPSV ADAT PBSZ "
        b"PROT CCC CLNT HOST LANG MIC CONF ENC".split()
    ),
    shared=frozenset({b"QUIT", b"NOOP", b"HELP", b"AUTH"}),
)
_DECISIVE: Final = re.compile(
    rb"PORT (?:\d{1,3},){5}\d{1,3}\s*$|EPRT \|[12]\||AUTH (?:TLS|SSL|GSSAPI|KERBEROS)|TYPE [AIEL]\b|OPTS UTF-?8"
    rb"|EPSV(?: ALL| [12])?\s*$"
    rb"|PASV\s*$|CLNT \S|MDTM \S|PROT [CPSE]\s*$|PBSZ \d",
    re.I,
)
_SERVER: Final = re.compile(rb"\bFTP|FTPD?\b|filezilla|serv-u", re.I)
_OTHER: Final = re.compile(rb"SMTP|LMTP|NNTP|POP3", re.I)
_GREETINGS: Final = frozenset({120, 220, 230, 331, 421, 500, 530, 550})
#: codes that no other protocol answers with
_LOGIN: Final = frozenset({331, 332, 227, 229, 215, 257, 234, 335, 211})
_COUNT: Final = 512
#: comes before the commands, for what the server's greeting answers
_GREETING: Final = b"(connected)"
#: bytes of the client and of the server that were read, commands without their reply
_Dialogue = tuple[int, int, tuple[bytes, ...]]
_BEGINNING: Final[_Dialogue] = (0, 0, (_GREETING,))
#: lines and replies that become facts, and in which AUTH TLS is looked for
_COMMANDS: Final = 16
_REPLIES: Final = 24


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect FTP; hand over to TLS behind AUTH TLS."""
    announced: Match | None = (flow.ext or {}).get("ftp.told")
    if announced is not None:
        _announce(flow, client, server)
        return announced
    commands, answers = lines(client, _COMMANDS), replies(server, _REPLIES)
    proved = has_answer(commands, answers, flow.midstream)
    answer = server_first(
        "ftp", _client(client), _server(server), _describe, client, server, silent=not server, proved=proved
    )
    if isinstance(answer, Match) and answer.confirmed and answer.restart is None:
        _announce(flow, client, server)
        asks_tls = any(_asks_tls(line) for line, _ in commands)
        if answers and len(commands) >= _COMMANDS and (len(answers) >= _REPLIES or not asks_tls) and flow.ext:
            flow.ext["ftp.told"] = answer  # nothing else becomes a fact; what is left to see are announcements
    return answer


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Follow every command, and AUTH TLS whenever it comes."""
    return FtpDialogue.follow(flow)


def _describe(client: bytes, server: bytes) -> Description:
    restart = switch(lines(client, _COMMANDS), replies(server, _REPLIES), _asks_tls, 234)
    return Description({}, False, restart, partial(_facts, client, server, restart))


def _facts(client: bytes, server: bytes, restart: tuple[int, int] | None) -> dict[str, Any]:
    commands, answers = lines(client, _COMMANDS), replies(server, _REPLIES)
    facts: dict[str, Any] = {}
    latest = b""
    for line, end in commands:
        verb = verb_of(line)
        if verb == b"USER" and "user" not in facts:
            facts["user"] = text(line[4:].strip())
        if verb in _VERBS.all:
            latest = verb
        if restart and end == restart[0]:
            break
    if latest:
        facts["command"] = text(latest)
    if answers and answers[0][0] == 220:
        facts["banner"] = text(answers[0][1].split(b"\n", 1)[0].strip())
    return facts


def _asks_tls(line: bytes) -> bool:
    return line.upper().split() in ([b"AUTH", b"TLS"], [b"AUTH", b"SSL"], [b"AUTH", b"TLS-C"], [b"AUTH", b"TLS-P"])


def _client(data: bytes) -> Evidence:
    return commands_side(data, _DECISIVE, _VERBS)


def _server(data: bytes) -> Evidence:
    answers = replies_of(data)
    if isinstance(answers, Answer):
        return answers
    if not answers:
        first = data[: data.rfind(b"\n") + 1]
        if data[:4] in (b"220-", b"220 ") and _SERVER.search(first) and not _OTHER.search(first):
            return YES
        return MORE if len(data) <= 8192 else HINT
    code, greeting, _ = answers[0]
    if code not in _GREETINGS or _OTHER.search(greeting):
        return NO
    if code == 220 and _SERVER.search(greeting):
        return YES
    for later, _, _ in answers[1:8]:
        if later in _LOGIN:
            return YES
    return LEANING if len(answers) < 8 else HINT


def _announce(flow: Flow, client: bytes, server: bytes) -> None:
    """Expect the data connection of each PORT, EPRT, PASV and EPSV that the server has accepted and that was not
    announced yet. Those behind the budget of detection are announced by the parser of transactions.

    Replies answer commands in their order (RFC 959 section 5.4), behind the greeting. A ``227`` inside of another reply
    is text, not an answer to PASV.
    """
    ext = flow.ext = flow.ext or {}
    state: _Dialogue = ext.get("ftp", _BEGINNING)
    at_client, at_server, asked = state
    commands, answers = lines(client[at_client:], _COUNT), replies(server[at_server:], _COUNT)
    asked += tuple(line for line, _ in commands if line.strip())
    for code, reply, _ in answers:
        if code < 200:
            continue  # preliminary
        if code in PASSIVE:  # answers nothing else, so the commands before it are done with
            asked = next((asked[i:] for i, line in enumerate(asked) if verb_of(line) in PASSIVE[code]), ())
        elif asked and asked[0] is _GREETING and code not in _GREETINGS:
            asked = asked[1:]  # the start of the connection was not seen
        if not asked:
            continue
        command, asked = asked[0], asked[1:]
        announce(flow, command, code, reply)
    at_client += commands[-1][1] if commands else 0
    at_server += answers[-1][2] if answers else 0
    ext["ftp"] = (at_client, at_server, asked)
