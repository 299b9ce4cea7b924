"""WHOIS: a name or an address asked, a text answered.

:checked: one line of the client, and an answer that begins as registries' do or has their fields
:source: RFC 3912; the answers of IANA, ARIN, RIPE and Verisign
:minimum: a line of the client, the first lines of the server
:facts: query
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import text

api_version = 1
protocols = ("whois",)
transport = "tcp"
tier = "heuristic"
speaks_first = "client"
first_client = None
first_server = None

_QUERY: Final = re.compile(rb"([ -~\x80-\xff]{2,255})\r?\n")
_BEGINNING: Final = re.compile(rb"[ -~\x80-\xff]{0,255}\r?\Z")
#: what a line begins with, behind blanks
_FIELD: Final = re.compile(
    rb"(?:Domain Name|domain|inetnum|inet6num|NetRange|refer|aut-num|Registrar|Registry Domain ID|nserver|status"
    rb"|organisation|OrgName|person|source|%error)[ .]*:[ \t]*\S",
    re.I,
).match
_REMARK: Final = re.compile(rb"[%#] ?[A-Z][ -~]{8,}\r?\n|No match for |NOT FOUND|No entries found", re.I)
#: the first line that is not blank, and what it has while the fields may still come: a remark, a title, a field
_FIRST: Final = re.compile(rb"\s*[^\s][^\n]*\n")
_MAY_BEGIN: Final = re.compile(rb"\A\s*[%#\[>*=-]|:|whois", re.I)
_LOOKED_AT: Final = 2048


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect WHOIS."""
    query = _QUERY.match(client)
    if query is None:
        return MORE if _BEGINNING.match(client) else NO
    more = query.end() < len(client)
    if not server:
        return NO if more else MORE  # a query is one line
    head = server[:_LOOKED_AT]
    if _REMARK.match(head) or _has_field(head):
        return Match("whois", {"query": text(query[1].strip())}, confirmed=not more)
    first = _FIRST.match(head)
    return NO if more or len(server) >= _LOOKED_AT or (first and not _MAY_BEGIN.search(first[0])) else MORE


def _has_field(head: bytes) -> bool:
    """Return True if a line is a field: to search a whole text for lines that begin so costs twenty times as much."""
    return any(_FIELD(line.lstrip(b" \t")) for line in head.split(b"\n"))
