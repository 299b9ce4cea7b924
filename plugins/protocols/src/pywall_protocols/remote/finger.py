"""Finger, by a query line and a reply of the customary form.

:checked: one line that may be a query; a reply that begins as finger servers' do
:source: RFC 1288 sections 2.3 and 3.2
:minimum: the query and 6 bytes of the reply
:facts: query
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import text

api_version = 1
protocols = ("finger",)
transport = "tcp"
tier = "heuristic"
speaks_first = "client"
first_client = None
first_server = b"LlNU\r\nfF"

_QUERY: Final = re.compile(rb"(?:/W ?)?[A-Za-z0-9_.-]{0,64}(?:@[A-Za-z0-9.-]{1,255})*\r?\n")
_BEGINNING: Final = re.compile(rb"[A-Za-z0-9_./@ -]{0,400}\r?\Z")
_REPLY: Final = re.compile(
    rb"\s{0,4}(?:Login(?: name)?:|Login +(?:Name|User)|User +(?:Full )?Name|No one logged|finger: |Finger: )"
)
_LONGEST: Final = 24
#: bytes of a client that waits for its answer
_LONGEST_QUERY: Final = 1024


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Finger."""
    if not server and len(client) > _LONGEST_QUERY:
        return NO
    query = _QUERY.match(client)
    if query is None:
        return MORE if _BEGINNING.match(client) else NO
    if _REPLY.match(server):
        return Match("finger", {"query": text(client.strip())})
    return MORE if len(server) < _LONGEST else NO
