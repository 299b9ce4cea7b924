"""FTP: every command with its reply; AUTH TLS hands over. The detector announces data connections, and says when FTP is
confirmed.

:source: RFC 959 sections 4.2 and 5.4, RFC 2428, RFC 4217 section 4
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pywall_core.api import HandOver, Transaction

from ..parsing.wire import text
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

#: Commands whose facts are kept until the reply has come.
_MOST_OPEN: Final = 64


class FtpDialogue(Dialogue):
    """The control connection."""

    has_transactions = True

    def __init__(self) -> None:
        super().__init__()
        self._number = 0
        self._user = ""
        self._open: tuple[tuple[int, dict[str, Any]], ...] = ()

    def _copy_into(self, other: Dialogue) -> None:
        assert isinstance(other, FtpDialogue)
        other._number, other._user, other._open = self._number, self._user, self._open

    def _command(self, line: bytes, found: list[Transaction | HandOver]) -> Command | None:
        verb, rest = verb_and_rest(line.lstrip(b"\xff\xf4\xf2\xf1"))  # ABOR behind Telnet's interrupt, RFC 959 4.1.3
        if not verb:
            return None
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

    def _answer(self, command: Command, line: bytes, found: list[Transaction | HandOver]) -> None:
        for at, (number, facts) in enumerate(self._open):
            if number == command[2] and command[0] != GREETING:
                code = int(line[:3])
                self._open = (*self._open[:at], *self._open[at + 1 :])
                answered = {**facts, "completion_code": str(code), "reply": text(line[4:].strip())}
                found.append(Transaction(number, answered, True))
                break
        self.confirmed = False

    def finish(self) -> Sequence[Transaction]:
        """Return the commands without a reply."""
        left = [Transaction(number, facts, True) for number, facts in self._open]
        self._open = ()
        return left
