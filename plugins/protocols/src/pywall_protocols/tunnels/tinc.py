"""tinc, by the first line of its meta connection.

:checked: from both sides ``0 name 17``, with a minor version or without
:source: tinc manual, Authentication protocol; src/protocol_auth.c
:minimum: the first line of one side, 7 bytes
:facts: version, client.name, server.name
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Description, Evidence, either_first
from ..parsing.wire import text

api_version = 1
protocols = ("tinc",)
transport = "tcp"
tier = "exact"
first_client = b"0"
first_server = b"0"

_ID: Final = re.compile(rb"0 ([A-Za-z0-9_^]{1,64}) (1[5-9](?:\.\d{1,2})?)\n")
_BEGINNING: Final = re.compile(rb"0(?: (?:[A-Za-z0-9_^]{1,64}(?: (?:1(?:[5-9](?:\.\d{0,2})?)?)?)?)?)?\Z")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect tinc."""
    return either_first("tinc", _line(client), _line(server), _describe, client, server)


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    for side, data in (("client", client), ("server", server)):
        if found := _ID.match(data):
            facts[f"{side}.name"] = text(found[1])
            facts["version"] = text(found[2])
    return Description(facts)


def _line(data: bytes) -> Evidence:
    if _ID.match(data):
        return YES
    return MORE if not data or _BEGINNING.match(data) else NO
