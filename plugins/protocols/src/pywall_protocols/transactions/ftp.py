"""FTP: every command with its reply; AUTH TLS hands over. The detector says when FTP is confirmed, and announces data
connections as long as it is asked.

:source: RFC 959 sections 4.2 and 5.4, RFC 2428, RFC 4217 section 4
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any, Final

from pywall_core.api import TCP, Ambiguous, Flow, Transaction

from ..parsing.wire import CR, text
from .lines import (
    GREETING,
    INCOMPLETE,
    NEGATIVE,
    PLAIN,
    POSITIVE,
    PRELIMINARY,
    TLS,
    UNIQUE,
    Command,
    Dialogue,
    verb_and_rest,
)
from .pairs import Found

#: Commands whose facts are kept until the reply has come.
_MOST_OPEN: Final = 64
#: replies that only these commands have (RFC 959 section 5.4, RFC 2428 section 3)
PASSIVE: Final = {227: (b"PASV",), 229: (b"EPSV",)}
#: the byte that begins a command of Telnet (IAC)
_TELNET: Final = 0xFF
_telnet: Final = re.compile(rb"\xff(?:[\xfb-\xfe].?|[\xf0-\xfa])", re.DOTALL)
_INTERRUPT: Final = b"\xff\xf4\xf2\xf1"
_PORT: Final = re.compile(rb"\s*PORT\s+((?:\d{1,3},){5}\d{1,3})", re.I)
_EPRT: Final = re.compile(rb"\s*EPRT\s+\|([12])\|([0-9A-Fa-f:.]+)\|(\d{1,5})\|", re.I)
_PASV: Final = re.compile(rb"((?:\d{1,3},){5}\d{1,3})")
_EPSV: Final = re.compile(rb"\(([!-~])\1\1(\d{1,5})\1\)")


class FtpDialogue(Dialogue):
    """The control connection."""

    has_transactions = True

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._user = ""
        self._open: tuple[tuple[int, dict[str, Any]], ...] = ()
        self._flow: Flow | None = None

    @classmethod
    def follow(cls, flow: Flow) -> Dialogue | None:
        parser = cls()  # mypyc's super() of a class method has no class
        parser._flow = flow
        return parser if parser._may_follow(flow) else None

    def state_names(self) -> tuple[str, ...]:
        return *Dialogue.state_names(self), "_number", "_user", "_open"

    def state_shapes(self) -> dict[str, Any]:
        return Dialogue.state_shapes(self) | {"_open": [(int, {str: str})]}

    def _copy_into(self, other: Dialogue) -> None:
        assert isinstance(other, FtpDialogue)
        other._number, other._user, other._open = self._number, self._user, self._open
        other._flow = self._flow

    def _command(self, line: bytes, found: Found) -> Command | None:
        # ABOR comes behind Telnet's interrupt (RFC 959 section 4.1.3); some servers take Telnet out wherever it is
        verb, rest = verb_and_rest(_telnet.sub(b"", line) if _TELNET in line else line)
        if not verb:
            if line:  # some servers answer it, others take it for nothing
                found.append(Ambiguous("verb"))
            return None
        if not verb.isalnum() or CR in line or verb != verb_and_rest(line.lstrip(_INTERRUPT))[0]:
            found.append(Ambiguous("verb"))
        if verb == b"USER":
            self._user = text(rest)
        facts: dict[str, Any] = {"command": text(verb)}
        if rest and verb not in (b"PASS", b"ADAT"):
            facts["command_data"] = text(rest)
        if self._user:
            facts["user"] = self._user
        number = self._number
        self._number += 1
        if len(self._open) >= _MOST_OPEN:
            found.append(Transaction(*self._open[0], True))
            self._open = self._open[1:]
        self._open = (*self._open, (number, facts))
        found.append(Transaction(number, facts))
        asks_tls = verb == b"AUTH" and rest.upper() in (b"TLS", b"SSL", b"TLS-C", b"TLS-P")
        return (TLS if asks_tls else PLAIN), verb, number

    def _reply(self, line: bytes, command: Command) -> int:
        code = self._numeric(line)
        if not code:
            return INCOMPLETE
        if code == 234:
            return UNIQUE
        if code < 200 and command[0] != GREETING:
            return PRELIMINARY
        return POSITIVE if code < 400 and command[0] != TLS else NEGATIVE

    def _answer(self, command: Command, line: bytes, found: Found) -> None:
        for at, (number, facts) in enumerate(self._open):
            if number == command[2] and command[0] != GREETING:
                code = int(line[:3])
                self._open = (*self._open[:at], *self._open[at + 1 :])
                answered = {**facts, "completion_code": str(code), "reply": text(line[4:].strip())}
                found.append(Transaction(number, answered, True))
                self._announce(facts, code, line)
                break
        self.confirmed = False

    def _announce(self, facts: dict[str, Any], code: int, line: bytes) -> None:
        """Once detection is done, announce the data connection that a reply agrees to."""
        command = facts.get("command", "").encode()
        if self._flow is not None and self._flow.detect_done and command in PASSIVE.get(code, (command,)):
            argument = facts.get("command_data", "").encode()
            announce(self._flow, command + b" " + argument, code, line)

    def finish(self) -> Sequence[Transaction]:
        """Return the commands without a reply."""
        left = [Transaction(number, facts, True) for number, facts in self._open]
        self._open = ()
        return left


def announce(flow: Flow, command: bytes, code: int, reply: bytes) -> None:
    """Expect the data connection that a reply agrees to, if it does."""
    if accepted := _accepted(flow, command, code, reply):
        dst, port = accepted
        flow.expect("ftp-data", proto=TCP, dst=dst, dport=port, src=flow.src if dst == flow.dst else flow.dst)


def _accepted(flow: Flow, command: bytes, code: int, reply: bytes) -> tuple[bytes, int] | None:
    """Return address and port of the data connection that a reply agrees to; None when it is another reply.

    Data only flows between this flow's ends. The client's address must be its own (RFC 2577 section 3: no bounce), or a
    private one, which it has behind a NAT (RFC 2663 section 4.1). So the address in a 227 is not inspected.
    """
    if code == 227:
        passive = _PASV.search(reply)
        return (flow.dst, port) if passive and (port := _address_and_port(passive[1])[1]) else None
    if code == 229:
        extended = _EPSV.search(reply)
        return (flow.dst, int(extended[2])) if extended else None
    if not 200 <= code < 300:
        return None
    if found := _PORT.match(command):
        address, port = _address_and_port(found[1])
    elif found := _EPRT.match(command):
        address, port = _packed(found[2]), int(found[3])
    else:
        return None
    return (flow.src, port) if address == flow.src or (_is_private(address) and address != flow.dst) else None


def _address_and_port(numbers: bytes) -> tuple[bytes, int]:
    """Return what ``h1,h2,h3,h4,p1,p2`` says; nothing and 0 when a number is above 255."""
    values = [int(n) for n in numbers.split(b",")]
    return (b"", 0) if max(values) > 255 else (bytes(values[:4]), values[4] << 8 | values[5])


def _is_private(address: bytes) -> bool:
    """An IPv4 address of RFC 1918 section 3."""
    return len(address) == 4 and (
        address[0] == 10 or address[:2] == b"\xc0\xa8" or (address[0] == 172 and address[1] & 0xF0 == 16)
    )


def _packed(address: bytes) -> bytes:
    try:
        return ip_address(address.decode()).packed
    except ValueError:
        return b""
