"""rsync's daemon protocol, by the greeting of both sides.

:checked: ``@RSYNCD:`` and a protocol version
:source: rsync, csprotocol.txt
:minimum: 11 bytes
:facts: client_version, server_version
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, either_first, goes_on, greetings

api_version = 1
protocols = ("rsync",)
transport = "tcp"
tier = "exact"
first_client = b"@"
first_server = b"@"

_GREETING: Final = re.compile(rb"@RSYNCD: (\d{1,3}(?:\.\d{1,3})?)[ \r\n]")
_describe: Final = greetings(_GREETING, "version")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect rsync."""
    greeting = _GREETING.match(server)
    proved = greeting is None or goes_on(client, server, greeting.end())  # two of one version greet each other alike
    return either_first("rsync", _side(client), _side(server), _describe, client, server, proved=proved)


def _side(data: bytes) -> Evidence:
    if _GREETING.match(data):
        return YES
    if len(data) < 17 and (b"@RSYNCD: ".startswith(data) or re.fullmatch(rb"@RSYNCD: [\d.]{0,7}", data)):
        return MORE
    return NO
