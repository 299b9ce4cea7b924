"""ZeroMQ's transport, ZMTP 2 and 3.

:checked: the greeting's signature, and a version, of both sides
:source: ZeroMQ RFC 23/ZMTP sections 2 and 3
:minimum: 11 bytes of one side
:facts: version
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_stream, goes_on

api_version = 1
protocols = ("zmtp",)
transport = "tcp"
tier = "exact"
first_client = b"\xff"
first_server = b"\xff"

_SIGNATURE: Final = 10
#: bytes of a greeting of version 3; both may send the same
_GREETING: Final = 64
_VERSIONS: Final = {1: "2.0", 2: "2.1", 3: "3"}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect ZMTP."""
    proved = goes_on(client, server, _GREETING if server[10:11] == b"\3" else 0)
    return by_stream("zmtp", _greeting, client, server, proved=proved)


def _greeting(data: bytes) -> Evidence:
    """Eight bytes between 0xff and 0x7f, which an older peer takes for a length: zeros, the last one 0 or 1."""
    if data[0] != 0xFF or any(data[1:8]) or (len(data) > 8 and data[8] > 1):
        return NO
    if len(data) > 9 and data[9] != 0x7F:
        return NO
    if len(data) <= _SIGNATURE:
        return MORE
    return {"version": _VERSIONS[data[10]]} if data[10] in _VERSIONS else NO
