"""RTMP, streams of Flash and its heirs.

:checked: version 3 and 1536 bytes of the client; version 3 from the server, whose second packet repeats the client's
    first
:source: Adobe's Real-Time Messaging Protocol 1.0 section 5.2
:minimum: 1537 bytes of the client, one of the server; 3073 for proof
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import cut

api_version = 1
protocols = ("rtmp",)
transport = "tcp"
tier = "structural"
first_client = b"\3\6"
first_server = b"\3\6"

_PACKET: Final = 1536
#: plain, and RTMPE
_VERSIONS: Final = (3, 6)
#: behind time and version: what the other side repeats
_RANDOM: Final = 8


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RTMP."""
    if (client and not _opens(client)) or (server and server[0] not in _VERSIONS):
        return NO
    if len(client) <= _PACKET or not server:
        return MORE
    if client[0] != server[0]:
        return NO
    repeated = cut(server, 1 + _PACKET + _RANDOM, 1 + 2 * _PACKET)
    sent = cut(client, 1 + _RANDOM, 1 + _PACKET)
    # a server with a digest answers otherwise (Flash Player 9): that proves nothing here
    whole = len(repeated) == len(sent)
    return Match("rtmp", {}, confirmed=whole and repeated == sent, done=whole)


def _opens(data: bytes) -> bool:
    """Version, time, and zeros or the version of a Flash player, of which the last two bytes are small."""
    return data[0] in _VERSIONS and (
        len(data) < 9 or data[5:9] == bytes(4) or (data[5] in (9, 10, 128) and data[6] < 16)
    )
