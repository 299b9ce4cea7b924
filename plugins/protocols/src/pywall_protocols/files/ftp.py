"""File Transfer Protocol, control connection; announces the data connections that it agrees on.

:checked: a greeting that names FTP, or a login reply (331, 227, ...) behind it; commands with arguments of their own
    (``PORT``, ``EPRT``, ``AUTH TLS``, ``TYPE I``); weaker commands and replies when both sides agree
:source: RFC 959 sections 4.1, 4.2 and 5.3, RFC 2428 (EPRT, EPSV), RFC 4217 (AUTH TLS), RFC 2389 (FEAT)
:minimum: the first line of one side
:facts: command, user, banner
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, TCP, Answer, Flow, Match, hookimpl

from ..parsing.dialogue import commands_side, heads, lines, may_be_code, replies, switch, verb_of
from ..parsing.evidence import HINT, LEANING, OPEN, PROOF, REFUTED, Grade, judge
from ..parsing.wire import text

api_version = 1
protocols = ("ftp",)
transport = "tcp"
tier = "server_first"
first_client = None
first_server = None

_OWN: Final = frozenset(
    b"USER PASS ACCT CWD XCWD CDUP SMNT REIN PORT PASV TYPE STRU MODE RETR STOR STOU APPE ALLO REST RNFR RNTO ABOR "
    b"DELE RMD MKD XMKD XRMD PWD XPWD LIST NLST SITE SYST STAT FEAT OPTS MDTM SIZE MLSD MLST EPRT EPSV ADAT PBSZ "
    b"PROT CCC CLNT HOST LANG MIC CONF ENC".split()
)
_SHARED: Final = frozenset({b"QUIT", b"NOOP", b"HELP", b"AUTH"})
_VERBS: Final = _OWN | _SHARED
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
_LOGIN: Final = frozenset({331, 332, 227, 229, 215, 257, 234, 334, 335, 211})
_PORT: Final = re.compile(rb"\s*PORT\s+((?:\d{1,3},){5}\d{1,3})", re.I)
_EPRT: Final = re.compile(rb"\s*EPRT\s+\|([12])\|([0-9A-Fa-f:.]+)\|(\d{1,5})\|", re.I)
_PASV: Final = re.compile(rb"((?:\d{1,3},){5}\d{1,3})")
_EPSV: Final = re.compile(rb"\(([!-~])\1\1(\d{1,5})\1\)")
_COUNT: Final = 512
#: lines and replies that become facts, and in which AUTH TLS is looked for
_COMMANDS: Final = 16
_REPLIES: Final = 24
_HEADS: Final = heads(_VERBS)


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Recognise FTP; hand over to TLS behind AUTH TLS."""
    told: Match | None = (flow.ext or {}).get("ftp.told")
    if told is not None:
        _announce(flow, client, server)
        return told
    answer = judge("ftp", _client(client), _server(server))
    if answer is MORE or answer is NO:
        return answer
    assert isinstance(answer, Match)
    commands = lines(client, _COMMANDS)
    answers = replies(server, _REPLIES)
    restart = switch(commands, answers, _asks_tls, 234)
    if restart is None:
        _announce(flow, client, server)
    facts: dict[str, Any] = {}
    latest = b""
    for line, end in commands:
        verb = verb_of(line)
        if verb == b"USER" and "user" not in facts:
            facts["user"] = text(line[4:].strip())
        if verb in _VERBS:
            latest = verb
        if restart and end == restart[0]:
            break
    if latest:
        facts["command"] = text(latest)
    if answers and answers[0][0] == 220:
        facts["banner"] = text(answers[0][1].split(b"\n", 1)[0].strip())
    match = Match("ftp", facts, answer.confirmed, restart is not None, restart)
    read = len(commands) >= _COMMANDS and (len(answers) >= _REPLIES or not any(_asks_tls(line) for line, _ in commands))
    if answer.confirmed and answers and read and restart is None and flow.ext:
        flow.ext["ftp.told"] = match  # nothing else becomes a fact; what is left to see are announcements
    return match


def _asks_tls(line: bytes) -> bool:
    return line.upper().split() in ([b"AUTH", b"TLS"], [b"AUTH", b"SSL"], [b"AUTH", b"TLS-C"], [b"AUTH", b"TLS-P"])


def _client(data: bytes) -> Grade:
    return commands_side(data, _DECISIVE, _OWN, _SHARED, _HEADS)


def _server(data: bytes) -> Grade:
    if not data:
        return OPEN
    if not may_be_code(data):
        return REFUTED
    answers = replies(data)
    if not answers:
        first = data[: data.rfind(b"\n") + 1]
        if data[:4] in (b"220-", b"220 ") and _SERVER.search(first) and not _OTHER.search(first):
            return PROOF
        return OPEN if len(data) <= 8192 else HINT
    code, greeting, _ = answers[0]
    if code not in _GREETINGS or _OTHER.search(greeting):
        return REFUTED
    if code == 220 and _SERVER.search(greeting):
        return PROOF
    for later, _, _ in answers[1:8]:
        if later in _LOGIN:
            return PROOF
    return LEANING if len(answers) < 8 else HINT


def _announce(flow: Flow, client: bytes, server: bytes) -> None:
    """Expect the data connection of each PORT, EPRT, PASV and EPSV that was not announced yet."""
    ext = flow.ext = flow.ext or {}
    at_client, at_server = ext.get("ftp", (0, 0))
    commands, answers = lines(client[at_client:], _COUNT), lines(server[at_server:], _COUNT)
    for line, _ in commands:
        if found := _PORT.match(line):
            port = _announced_port(found[1])
            if port:
                flow.expect("ftp-data", proto=TCP, dst=flow.src, dport=port, src=flow.dst)
        elif (found := _EPRT.match(line)) and 0 < int(found[3]) < 65536:
            flow.expect("ftp-data", proto=TCP, dst=flow.src, dport=int(found[3]), src=flow.dst)
    for line, _ in answers:
        port = 0
        if line.startswith(b"227") and (found := _PASV.search(line)):
            port = _announced_port(found[1])
        elif line.startswith(b"229") and (found := _EPSV.search(line)):
            port = int(found[2])
        if 0 < port < 65536:
            flow.expect("ftp-data", proto=TCP, dst=flow.dst, dport=port, src=flow.src)
    ext["ftp"] = (at_client + (commands[-1][1] if commands else 0), at_server + (answers[-1][1] if answers else 0))


def _announced_port(numbers: bytes) -> int:
    """The port of ``h1,h2,h3,h4,p1,p2``; 0 when a number is no octet.

    The address is not looked at: behind NAT it is another one, and data only ever flows between this flow's ends.
    """
    octets = [int(n) for n in numbers.split(b",")]
    return 0 if max(octets) > 255 else octets[4] << 8 | octets[5]
