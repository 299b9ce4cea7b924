"""The PROXY protocol in front of a connection, version 1 and 2.

:checked: version 1: ``PROXY``, a family, two addresses and ports; version 2: the signature, version, command and
    length
:source: The PROXY protocol, versions 1 and 2 (HAProxy), section 2
:minimum: 15 bytes
:facts: version, source, destination
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import starts, text, u16

api_version = 1
protocols = ("proxy",)
transport = "tcp"
tier = "exact"
first_client = b"P\r"
first_server = None

#: servers look for the end of the line behind the family, whatever is before it
_TEXT: Final = re.compile(
    rb"PROXY (?:(?:TCP4|TCP6) ([^ \r\n]{0,48}) ([^ \r\n]{0,48}) (?:(?!\r\n).){0,93}|UNKNOWN(?:(?!\r\n).){0,93})\r\n",
    re.DOTALL,
)
_SIGNATURE: Final = b"\r\n\r\n\0\r\nQUIT\n"
_LONGEST: Final = 109
CRLF: Final = b"\r\n"
#: addresses and what else the header says, such as a client's certificate: less than the bytes that detectors see
_LONGEST_BINARY: Final = 16000


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect the header; detection begins again behind it, since it proves nothing of what follows."""
    if not client:
        return MORE
    if client[0] == ord("P"):
        line = _TEXT.match(client)
        if line is None:
            wrong = starts(client, b"PROXY TCP4 ", b"PROXY TCP6 ", b"PROXY UNKNOWN") is NO
            return NO if wrong or len(client) >= _LONGEST or CRLF in client else MORE
        facts: dict[str, Any] = {"version": 1}
        if line[1]:
            facts |= {"source": text(line[1]), "destination": text(line[2])}
        return Match("proxy", facts, confirmed=False, restart=(line.end(), 0))
    if len(client) < 16:
        return NO if starts(client, _SIGNATURE) is NO else MORE
    if not client.startswith(_SIGNATURE) or client[12] >> 4 != 2 or u16(client, 14) > _LONGEST_BINARY:
        return NO
    end = 16 + u16(client, 14)
    return Match("proxy", {"version": 2}, confirmed=False, restart=(end, 0)) if len(client) >= end else MORE
