"""Methods and header sections of HTTP messages (RFC 9112 sections 3.1, 5), read at a bounded cost however cut."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from .wire import cut

#: Fields by their names in lower case, the first of each name, and whether every line is a field.
Fields = tuple[dict[bytes, bytes], bool]

#: The HTTP Method Registry of IANA (2025), UPnP's and Icecast's.
METHODS: Final = frozenset(
    b"ACL BASELINE-CONTROL BIND CHECKIN CHECKOUT CONNECT COPY DELETE GET HEAD LABEL LINK LOCK MERGE MKACTIVITY "
    b"MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE OPTIONS ORDERPATCH PATCH POST PROPFIND PROPPATCH PUT QUERY "
    b"REBIND REPORT SEARCH TRACE UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL "
    b"NOTIFY SUBSCRIBE UNSUBSCRIBE M-SEARCH M-POST SOURCE".split()
)

#: A section that is not all there is read again with each of so many lines, then with each so many bytes.
_LINES: Final = 64
_STEP: Final = 1024
_KEPT: Final = 32
_field = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*:").match


def read_head(data: bytes, at: int) -> tuple[Fields, int]:
    """Return the fields of the message whose first line is at ``at``, and the offset behind the empty line.

    The offset is 0 while the section is not all there; the fields are then those that came so far, of a long section
    up to a kibibyte less.
    """
    end = _end(data, at)
    if end:
        return _read(cut(data, at, end)), end
    if data.count(b"\n", at) <= _LINES:
        return _read(cut(data, at, data.rfind(b"\n", at) + 1)), 0
    return _read(cut(data, at, at + (len(data) - at) // _STEP * _STEP)), 0


def _end(data: bytes, at: int) -> int:
    crlf, lf = data.find(b"\n\r\n", at), data.find(b"\n\n", at)
    if crlf >= 0 and not 0 <= lf < crlf:
        return crlf + 3
    return lf + 2 if lf >= 0 else 0


@lru_cache(maxsize=_KEPT)
def _read(head: bytes) -> Fields:
    found: dict[bytes, bytes] = {}
    sound = True
    lines = head.split(b"\n")
    lines.pop()  # what is behind the last line's end: nothing, or a line that is cut
    for line in lines[1:]:
        if not line.strip(b"\r") or line[:1] in (b" ", b"\t"):  # the empty line; a folded field (section 5.2)
            continue
        name, colon, value = line.partition(b":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
        sound = sound and _field(line) is not None
    return found, sound
