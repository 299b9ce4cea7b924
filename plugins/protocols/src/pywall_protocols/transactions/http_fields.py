"""Fields of HTTP/1 messages: what they say of the body, and heads that are read in one step.

:source: RFC 9112 sections 2.2 (lines), 5 (fields), 6 (bodies)
"""

from __future__ import annotations

import re
from typing import Final

from ..parsing.wire import NUL, cut, text

#: Names and values of the wanted fields of a head, in order.
Fields = tuple[tuple[bytes, bytes], ...]

_LONGEST_LENGTH: Final = 18
#: blanks that some servers take for the end of a line
_VT: Final = 0x0B
_FF: Final = 0x0C
#: what nearly all versions are as facts
VERSIONS: Final = {b"HTTP/1.1": "HTTP/1.1", b"HTTP/1.0": "HTTP/1.0"}
#: methods of nearly all requests
_PLAIN_METHODS: Final = frozenset({b"GET", b"POST", b"HEAD", b"PUT", b"DELETE", b"OPTIONS", b"PATCH", b"CONNECT"})
#: what says where a message ends
_LENGTHS: Final = frozenset({b"content-length", b"transfer-encoding"})
_is_token = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+\Z").match
#: Names of fields that are remembered in lower case, and bytes of the longest of them: few are in use.
_MOST_REMEMBERED: Final = 512
_LONGEST_REMEMBERED: Final = 40
_remembered: Final[dict[bytes, bytes]] = {}


def plain_head(data: bytes, at: int, end: int, wanted: frozenset[bytes]) -> tuple[bytes, Fields, int] | None:
    """Return the first line, the wanted fields and the end of the head at ``data[at]``, where it is as nearly all are:
    whole before ``end``, its lines ended by CRLF, none folded, names that are tokens with a colon at once, no odd byte.
    All receivers read such a head as one and the same. None for any other one.
    """
    stop = data.find(b"\r\n\r\n", at, end)
    if stop < 0:
        return None
    head = cut(data, at, stop)
    if NUL in head or _VT in head or _FF in head:
        return None
    lines = head.splitlines()
    if not lines:
        return None
    found: list[tuple[bytes, bytes]] = []
    size = len(lines[0])
    for number in range(1, len(lines)):
        line = lines[number]
        size += 2 + len(line)
        name, colon, value = line.partition(b":")
        lower = _remembered.get(name) or _lower_name(name)
        if not colon or not lower:
            return None
        if lower in wanted:
            found.append((lower, value.strip()))
    if size != len(head):  # a line ends by CR or LF alone
        return None
    return lines[0], tuple(found), stop + 4


def _lower_name(name: bytes) -> bytes:
    """Return a field's name in lower case, nothing where it is no token."""
    if _is_token(name) is None:
        return b""
    lower = name.lower()
    if len(name) <= _LONGEST_REMEMBERED and len(_remembered) < _MOST_REMEMBERED:
        _remembered[name] = lower
    return lower


def split_plain_request(line: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return method, target and version of the first line of nearly every request, None for another line."""
    parts = line.split(b" ")
    if len(parts) != 3 or parts[0] not in _PLAIN_METHODS or parts[2] not in VERSIONS:
        return None
    target = parts[1]
    if not target or not target.isascii() or not target.decode().isprintable():
        return None
    return parts[0], target, parts[2]


def plain_status(line: bytes) -> int:
    """Return the status of the first line of nearly every response, -1 for another line."""
    version, _, rest = line.partition(b" ")
    code = rest[:3]
    if version not in VERSIONS or len(code) != 3 or not code.isdigit():
        return -1
    return int(code) if len(rest) == 3 or rest[3] == 0x20 else -1


def values(fields: Fields, name: bytes) -> list[bytes]:
    """Return the values of all fields of this name (lower case)."""
    return [value for key, value in fields if key == name]


def codings(fields: Fields) -> str:
    named = values(fields, b"content-encoding") + values(fields, b"transfer-encoding")
    named_codings = [part.strip().lower() for value in named for part in value.split(b",")]
    return text(b", ".join(coding for coding in named_codings if coding not in (b"", b"identity", b"chunked")))


def _is_length(said: bytes) -> bool:
    return len(said) <= _LONGEST_LENGTH and said.isdigit()


def body_length(fields: Fields) -> tuple[int | None, bool]:
    """Return the body's length by its fields (-1: chunks, None: not said), and whether they contradict each other.

    RFC 9112 section 6.3: chunks win over a length; messages in which both stand, or several lengths, are how requests
    are smuggled past a reader.
    """
    said = [(name, value) for name, value in fields if name in _LENGTHS]
    if not said:
        return None, False
    if len(said) == 1 and said[0][0] == b"content-length" and _is_length(said[0][1]):
        return int(said[0][1]), False
    lengths = {part.strip() for value in values(fields, b"content-length") for part in value.split(b",")}
    codings = [part.strip().lower() for value in values(fields, b"transfer-encoding") for part in value.split(b",")]
    if codings:
        chunked = codings[-1].split(b";")[0].strip() == b"chunked"
        return (-1 if chunked else None), bool(lengths) or not chunked or codings.count(b"chunked") > 1
    if not lengths:
        return None, False
    numbers = [int(length) for length in lengths if _is_length(length)]
    if len(numbers) < len(lengths):
        return 0, True
    return min(numbers), len(numbers) > 1
