"""Subversion's own protocol (``svnserve``), by the greeting and the client's answer to it.

:checked: the greeting's tuple with the protocol versions, the client's with version, capabilities and URL
:source: Subversion, subversion/libsvn_ra_svn/protocol sections 1, 2
:minimum: 14 bytes of the server, 9 of the client
:facts: url
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, alike
from ..parsing.wire import text

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
    return alike("svn", _client(client), _server(server))


def _client(data: bytes) -> Evidence:
    if found := _response(data[:LONGEST]):
        return {"url": text(found[1])}
    return MORE if not data or (len(data) < LONGEST and _beginning_of_response(data)) else NO


def _server(data: bytes) -> Answer:
    if _greeting(data):
        return YES
    if len(data) < len(_beginning_of_greeting):
        return MORE if _beginning_of_greeting.startswith(data) else NO
    return MORE if data.startswith(_beginning_of_greeting) and len(data) < len(_beginning_of_greeting) + 6 else NO
