"""Git's own transport, by the request line in a pkt-line.

:checked: a length of four hexadecimal digits and ``git-upload-pack``, ``git-receive-pack`` or ``git-upload-archive``;
    the server's advertisement of an object and a reference
:source: Git documentation, gitprotocol-pack and gitprotocol-common
:minimum: 21 bytes of the client
:facts: command, path, host
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, WEAK, Description, Evidence, client_first
from ..parsing.wire import cut, text

api_version = 1
protocols = ("git",)
transport = "tcp"
tier = "exact"
first_client = b"0123456789abcdefABCDEF"
first_server = b"0123456789abcdefABCDEF"

_REQUEST: Final = re.compile(rb"([0-9a-fA-F]{4})git-(upload-pack|receive-pack|upload-archive) ")
_COMMANDS: Final = (b"git-upload-pack ", b"git-receive-pack ", b"git-upload-archive ")
_ANSWER: Final = re.compile(rb"[0-9a-fA-F]{4}(?:[0-9a-f]{40,64} |ERR |version [12]\n|shallow |ACK\n)")
_HEX: Final = b"0123456789abcdefABCDEF"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Git."""
    return client_first("git", _client(client), _server(server), _describe, client, server)


def _describe(client: bytes, server: bytes) -> Description:
    request = _REQUEST.match(client)
    size = int(request[1], 16) if request else 0
    if request is None or len(client) < size:
        return Description({}, done=False)
    path, _, parameters = cut(client, request.end(), size).partition(b"\0")
    facts: dict[str, Any] = {"command": text(request[2]), "path": text(path.rstrip(b"\n"))}
    if parameters.startswith(b"host="):
        facts["host"] = text(parameters[5:].split(b"\0", 1)[0])
    return Description(facts)


def _client(data: bytes) -> Evidence:
    if _REQUEST.match(data):
        return YES
    if data[:4].translate(None, _HEX):
        return NO
    return MORE if any(command.startswith(data[4:]) for command in _COMMANDS) else NO


def _server(data: bytes) -> Evidence:
    if _ANSWER.match(data):
        return HINT
    return WEAK if len(data) < 69 and not data[:4].translate(None, _HEX) else NO
