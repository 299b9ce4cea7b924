"""JSON behind a header with its length: the Debug Adapter Protocol and the Language Server Protocol over TCP.

:checked: ``Content-Length`` in a header of its own, and in the JSON behind it what all messages of the protocol have:
    ``"jsonrpc": "2.0"``, or a ``"type"`` of request, response or event with a ``"seq"``
:source: Debug Adapter Protocol, overview (dap); Language Server Protocol 3.17, base protocol (lsp)
:minimum: the first message of one side, or its first 4096 bytes
:facts: none
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import alike

api_version = 1
protocols = ("dap", "lsp")
unseen = ("lsp",)
transport = "tcp"
tier = "exact"
first_client = b"C"
first_server = b"C"

_TYPE: Final = rb"(?:Content-Type: [^\r\n]{1,80}\r\n)?"
_head = re.compile(_TYPE + rb"Content-Length: (\d{1,9})\r\n" + _TYPE + rb"\r\n").match
_debugs = re.compile(rb'"type"\s*:\s*"(?:request|response|event)"').search
_numbered = re.compile(rb'"(?:seq|request_seq)"\s*:\s*\d').search
_calls = re.compile(rb'"jsonrpc"\s*:\s*"2\.0"').search
_BEGINNING: Final = b"Content-"
_LONGEST_HEAD: Final = 256
_MOST: Final = 4096


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect both."""
    kinds = _kind(client), _kind(server)
    name = next((kind for kind in kinds if isinstance(kind, str)), "")
    said = [YES if kind == name else NO if isinstance(kind, str) else kind for kind in kinds]
    return alike(name, said[0], said[1])


def _kind(data: bytes) -> str | Answer:
    """Return the protocol of the first message of a direction."""
    head = _head(data)
    if head is None:
        begins = data.startswith(_BEGINNING) if len(data) >= len(_BEGINNING) else _BEGINNING.startswith(data)
        return MORE if begins and len(data) < _LONGEST_HEAD and b"\r\n\r\n" not in data else NO
    size = min(int(head[1]), _MOST)
    body = data[head.end() : head.end() + size]
    if body and body[:1] != b"{":
        return NO
    if _calls(body):
        return "lsp"
    if _debugs(body) and _numbered(body):
        return "dap"
    return MORE if len(body) < size else NO
