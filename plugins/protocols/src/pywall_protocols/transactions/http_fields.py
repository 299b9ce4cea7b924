"""Fields of HTTP/1 messages: what they say of the body, and heads that are read in one step.

:source: RFC 9112 sections 2.2 (lines), 5 (fields), 6 (bodies)
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from ..parsing.wire import text

#: What :func:`plain_head` returns: of the bytes, where the head begins, and where it ends at most.
PlainHead = Callable[[bytes, int, int], "re.Match[bytes] | None"]
#: Names and values of the wanted fields of a head, in order.
Fields = tuple[tuple[bytes, bytes], ...]

_length = re.compile(rb"\d{1,18}\Z").match
#: what says where a message ends
_LENGTHS: Final = frozenset({b"content-length", b"transfer-encoding"})
#: fields as nearly all are: a token and a colon at once, lines that end by CRLF, none folded, no odd byte
_PLAIN_FIELDS: Final = rb"(?P<fields>(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[^\r\n\0\x0b\x0c]*+\r\n)*+)\r\n"


def plain_head(start_line: bytes) -> PlainHead:
    """Return what matches a whole head whose first line the regular expression accepts, in ``start`` and ``fields``.

    It accepts only heads that all receivers read as one and the same.
    """
    return re.compile(rb"(?P<start>" + start_line + rb")\r\n" + _PLAIN_FIELDS).match


def plain_fields(lines: bytes, wanted: frozenset[bytes]) -> Fields:
    """Return the wanted fields of what ``fields`` of a plain head is."""
    found: list[tuple[bytes, bytes]] = []
    for line in lines.split(b"\r\n"):
        name, _, value = line.partition(b":")
        name = name.lower()
        if name in wanted:
            found.append((name, value.strip()))
    return tuple(found)


def values(fields: Fields, name: bytes) -> list[bytes]:
    """Return the values of all fields of this name (lower case)."""
    return [value for key, value in fields if key == name]


def codings(fields: Fields) -> str:
    named = values(fields, b"content-encoding") + values(fields, b"transfer-encoding")
    named_codings = [part.strip().lower() for value in named for part in value.split(b",")]
    return text(b", ".join(coding for coding in named_codings if coding not in (b"", b"identity", b"chunked")))


def body_length(fields: Fields) -> tuple[int | None, bool]:
    """Return the body's length by its fields (-1: chunks, None: not said), and whether they contradict each other.

    RFC 9112 section 6.3: chunks win over a length; messages in which both stand, or several lengths, are how requests
    are smuggled past a reader.
    """
    said = [(name, value) for name, value in fields if name in _LENGTHS]
    if not said:
        return None, False
    if len(said) == 1 and said[0][0] == b"content-length" and _length(said[0][1]):
        return int(said[0][1]), False
    lengths = {part.strip() for value in values(fields, b"content-length") for part in value.split(b",")}
    codings = [part.strip().lower() for value in values(fields, b"transfer-encoding") for part in value.split(b",")]
    if codings:
        chunked = codings[-1].split(b";")[0].strip() == b"chunked"
        return (-1 if chunked else None), bool(lengths) or not chunked or codings.count(b"chunked") > 1
    if not lengths:
        return None, False
    numbers = [int(length) for length in lengths if _length(length)]
    if len(numbers) < len(lengths):
        return 0, True
    return min(numbers), len(numbers) > 1
