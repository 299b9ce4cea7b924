"""What line protocols share: command lines, numeric replies, the switch to TLS."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Final, final

from pywall_core.api import MORE, NO, YES, Answer

from .evidence import HINT, LEANING, Evidence
from .wire import CONTROLS, cut, has_no_controls, is_text

#: A complete line without its end, and the offset behind it.
Line = tuple[bytes, int]
#: Code, text of all lines, and the offset behind a complete numeric reply.
Reply = tuple[int, bytes, int]

MAX_LINE: Final = 1024
_LONGEST_HEAD: Final = 2048
#: of so many bytes of a head one may be damaged
_OF_EACH: Final = 20
_FIELD: Final = re.compile(rb"[!-9;-~]{1,64}(?:[ \t]*:|\Z)|[ \t]")
#: Answers of :func:`lines` and :func:`replies` that are kept: detectors ask one after the other about the same bytes.
_KEPT: Final = 8


@lru_cache(maxsize=_KEPT)
def lines(data: bytes, count: int = 16) -> tuple[Line, ...]:
    """Return the first ``count`` complete lines of at most 1024 bytes, ended by LF or CRLF."""
    found: list[Line] = []
    at = 0
    while len(found) < count:
        end = data.find(b"\n", at, at + MAX_LINE + 1)
        if end < 0:
            break
        found.append((cut(data, at, end).removesuffix(b"\r"), end + 1))
        at = end + 1
    return tuple(found)


def verb_of(line: bytes) -> bytes:
    """Return the first word of a line, behind blanks, in upper case."""
    return line.lstrip(b" ").split(b" ", 1)[0].upper()


def first_bytes(verbs: frozenset[bytes]) -> bytes:
    """Return what a line with one of ``verbs`` (upper case) may begin with: either case, or blanks before it."""
    return b" " + bytes(sorted({byte for verb in verbs for byte in (verb[0], verb.lower()[0])}))


@final
class Verbs:
    """The commands of a protocol, in upper case. Its ``own`` speak for it, those ``shared`` with others do not."""

    __slots__ = ("_beginnings", "_heads", "all", "own", "shared")

    def __init__(self, own: frozenset[bytes], shared: frozenset[bytes] = frozenset()) -> None:
        self.own = own
        self.shared = shared
        self.all = own | shared
        self._heads = frozenset(verb[:size] for verb in self.all for size in range(4))
        self._beginnings = frozenset(verb[:size] for verb in self.all for size in range(len(verb) + 1))

    def begin(self, data: bytes) -> bool:
        """Return True if the first bytes of ``data`` are those of a verb, behind blanks and in either case."""
        return data.lstrip(b" ")[:3].upper() in self._heads

    def may_begin(self, data: bytes) -> bool:
        """Return True if ``data``, a line without its end, may become a verb with arguments."""
        if len(data) > MAX_LINE:
            return False
        word, space, _ = data.lstrip(b" ").rstrip(b"\r").partition(b" ")
        return word.upper() in (self.all if space else self._beginnings)


@lru_cache(maxsize=_KEPT)
def replies(data: bytes, count: int = 24) -> tuple[Reply, ...]:
    """Return the first ``count`` complete replies of three digits and text, of one line or several (RFC 5321 4.2, 959
    4.2).
    """
    found: list[Reply] = []
    at = 0
    while len(found) < count:
        end = data.find(b"\n", at, at + MAX_LINE + 1)
        if end < 0 or not is_code(data[at : at + 3]):
            break
        code = data[at : at + 3]
        last = end
        if data[at + 3 : at + 4] == b"-":
            last = _last_line(data, code, end)
            if last < 0:
                break
        found.append((int(code), cut(data, at + 4, last).rstrip(b"\r"), last + 1))
        at = last + 1
    return tuple(found)


def _last_line(data: bytes, code: bytes, at: int) -> int:
    """Return where the line ``code SP`` that closes a reply of several lines ends; -1 when it is not there."""
    close = b"\n" + code
    while (at := data.find(close, at)) >= 0:
        end = data.find(b"\n", at + 1)
        if data[at + 4 : at + 5] != b"-":
            return end
        if end < 0:
            break
        at = end
    return -1


def replies_of(data: bytes) -> tuple[Reply, ...] | Answer:
    """Return the :func:`replies` of a server that speaks in codes, NO for another one, MORE for a silent one."""
    if not data:
        return MORE
    return replies(data) if may_be_code(data) else NO


def is_code(data: bytes) -> bool:
    """Three digits of a reply, the first 1 to 6."""
    return len(data) == 3 and data.isdigit() and data[0] in b"123456"


def may_be_code(data: bytes) -> bool:
    """``data`` begins with a reply code, as far as it goes, followed by a blank, a hyphen or the line's end."""
    head = data[:3]
    if len(head) < 3:
        return not head or (head.isdigit() and head[0] in b"123456")
    return is_code(head) and (len(data) == 3 or data[3] in b" -\r\n")


def switch(
    commands: Sequence[Line], answers: Sequence[Reply], asks: Callable[[bytes], bool], accepts: int
) -> tuple[int, int] | None:
    """Return the offsets behind the command that asks for TLS and behind its reply ``accepts``; None while there are
    none.

    Each command has one final reply, after the greeting (RFC 3207, 4217, 4642). Preliminary ones (1yz) are not counted.
    """
    final = [answer for answer in answers if answer[0] >= 200]
    for (command, end), (code, _, reply_end) in zip(commands, final[1:], strict=False):
        if code == accepts and asks(command):
            return end, reply_end
    return None


def lines_before(commands: Sequence[Line], restart: tuple[int, int] | None) -> Iterator[bytes]:
    """Yield the commands, as far as they are the protocol's: those before the one that asked for TLS."""
    for line, end in commands:
        if restart and end == restart[0]:
            return
        yield line


def has_answer(commands: Sequence[Line], answers: Sequence[Reply], midstream: bool) -> bool:
    """The server answered a command without control characters with a code: behind its greeting, unless the start was
    not seen."""
    return bool(commands) and has_no_controls(commands[0][0]) and len(answers) > (0 if midstream else 1)


def head_of(data: bytes) -> bytes:
    """Return the lines up to an empty one, or what is there of the first 2048 bytes."""
    return data[:_LONGEST_HEAD].partition(b"\r\n\r\n")[0].partition(b"\n\n")[0]


def has_fields(data: bytes) -> bool:
    """Return True if one of the first lines behind the first is a field as in RFC 9112, 3261 and 2326, and the head, as
    far as it goes or is there, is text but for a few damaged bytes."""
    head = head_of(data)
    return is_mostly_text(head) and any(_FIELD.match(line) for line in head.split(b"\n")[1:4])


def is_mostly_text(head: bytes) -> bool:
    """Return True if lines are text but for a few damaged bytes."""
    return has_few_controls(head) and is_text(head.translate(None, b"\r\n" + CONTROLS))


def has_few_controls(head: bytes) -> bool:
    """Return True if lines have few control characters but tabs, whatever the other characters' encoding is."""
    said = head.translate(None, b"\r\n")
    return (len(said) - len(said.translate(None, CONTROLS))) * _OF_EACH <= len(said)


def commands_side(data: bytes, decisive: re.Pattern[bytes], verbs: Verbs) -> Evidence:
    """Return how far a client's lines are commands: ``decisive`` ones prove, the protocol's own verbs are a hint."""
    if not data:
        return MORE
    if not verbs.begin(data):
        return NO
    commands = lines(data)
    at = 0
    seen = False
    for line, end in commands:
        if decisive.match(line):
            return YES
        verb = verb_of(line)
        if verb in verbs.own:
            seen = True
        elif verb not in verbs.shared:
            return HINT if seen else NO
        at = end
    if len(commands) >= 16:
        return HINT if seen else NO
    if seen:
        return LEANING
    return MORE if verbs.may_begin(data[at:]) else NO
