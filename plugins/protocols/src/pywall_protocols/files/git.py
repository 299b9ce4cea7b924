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

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, OPEN, PROOF, REFUTED, Grade, by_client
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
    answer = by_client("git", _client(client), _server(server))
    if answer is MORE or answer is NO:
        return answer
    assert isinstance(answer, Match)
    request = _REQUEST.match(client)
    size = int(request[1], 16) if request else 0
    if request is None or len(client) < size:
        return Match("git", {}, answer.confirmed, done=False)
    path, _, parameters = cut(client, request.end(), size).partition(b"\0")
    facts: dict[str, Any] = {"command": text(request[2]), "path": text(path.rstrip(b"\n"))}
    if parameters.startswith(b"host="):
        facts["host"] = text(parameters[5:].split(b"\0", 1)[0])
    return Match("git", facts, answer.confirmed, answer.done)


def _client(data: bytes) -> Grade:
    if _REQUEST.match(data):
        return PROOF
    if data[:4].translate(None, _HEX):
        return REFUTED
    return OPEN if any(command.startswith(data[4:]) for command in _COMMANDS) else REFUTED


def _server(data: bytes) -> Grade:
    if _ANSWER.match(data):
        return HINT
    return (0, 1) if len(data) < 69 and not data[:4].translate(None, _HEX) else REFUTED
