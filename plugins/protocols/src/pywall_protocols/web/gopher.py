"""Gopher: a selector, and the menu that answers it.

:checked: the client's first line has nothing but text; the server's first line is an item of a menu: kind, name,
    selector, host and port between tabs
:source: RFC 1436 sections 2, 3.8
:minimum: a line of each side
:facts: selector
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import LF, text

api_version = 1
protocols = ("gopher",)
transport = "tcp"
tier = "heuristic"
first_client = None
first_server = b"0123456789+TgIhipsdM:;<."
speaks_first = "client"

#: bytes of a selector (section 2 of the grammar), and of an item
_SELECTOR: Final = 255
_ITEM: Final = 512
_line = re.compile(rb"[^\0-\x08\x0a-\x1f\x7f]*\r\n").match
_may_be_line = re.compile(rb"[^\0-\x08\x0a-\x1f\x7f]*\r?\Z").match
_item = re.compile(rb"[0-9+TgIhipsdM:;<.][^\t\r\n]*\t[^\t\r\n]*\t[^\t\r\n]+\t\d{1,5}[\t\r\n]").match


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Gopher."""
    if LF in client[:-1] and not _item(server[:_ITEM]):  # a selector is one line
        return NO
    return by_request("gopher", _selects, _answers, flow, client, server, needs_answer=True)


def _selects(client: bytes) -> Evidence:
    shown = client[: _SELECTOR + 2]
    found = _line(shown)
    if found:
        return {"selector": text(found[0][:-2])}
    return MORE if len(client) < _SELECTOR + 2 and _may_be_line(shown) else NO


def _answers(client: bytes, server: bytes) -> Answer:
    shown = server[:_ITEM]
    if _item(shown):
        return YES
    waits = len(server) < _ITEM and LF not in shown and server[0] in first_server
    return MORE if waits else NO
