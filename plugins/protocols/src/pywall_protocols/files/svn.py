"""Subversion's own protocol (``svnserve``), by the greeting and the client's answer to it.

:checked: the greeting's tuple with the protocol versions, the client's with version, capabilities and URL
:source: Subversion, subversion/libsvn_ra_svn/protocol sections 1, 2
:minimum: 14 bytes of the server, 9 of the client
:facts: url
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.wire import text, two_sided

api_version = 1
protocols = ("svn",)
transport = "tcp"
tier = "exact"
first_client = first_server = b"("

#: Bytes of the client's first tuple: a URL and a list of capabilities.
LONGEST: Final = 4096
_greeting = re.compile(rb"\( success \( [12] [12] \( ").match
_response = re.compile(rb"\( 2 \( [a-z0-9 -]*\) \d+:(svn(?:\+ssh)?://[^ ]+) ").match
_beginning_of_greeting = b"( success ( "
_beginning_of_response = re.compile(
    rb"\((?: (?:2(?: (?:\((?: [a-z0-9 -]*(?:\)(?: (?:\d*(?::[^ ]*)?)?)?)?)?)?)?)?)?\Z"
).match


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Subversion."""
    asked = _response(client[:LONGEST])
    if asked:
        client_says = YES
    else:
        client_says = MORE if not client or (len(client) < LONGEST and _beginning_of_response(client)) else NO
    answer = two_sided("svn", client_says, _server(server))
    if not isinstance(answer, Match):
        return answer
    facts: dict[str, Any] = {"url": text(asked[1])} if asked else {}
    return Match("svn", facts, answer.confirmed, answer.done)


def _server(data: bytes) -> Answer:
    if _greeting(data):
        return YES
    if len(data) < len(_beginning_of_greeting):
        return MORE if _beginning_of_greeting.startswith(data) else NO
    return MORE if data.startswith(_beginning_of_greeting) and len(data) < len(_beginning_of_greeting) + 6 else NO
