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

from ..parsing.dialogue import lines
from ..parsing.evidence import Evidence, either_first, greetings
from ..parsing.wire import is_text

api_version = 1
protocols = ("rsync",)
transport = "tcp"
tier = "exact"
first_client = b"@"
first_server = b"@"

_GREETING: Final = re.compile(rb"@RSYNCD: (\d{1,3}(?:\.\d{1,3})?)[ \r\n]")
#: what the server says to the module that was asked for; or its message of the day, or its modules, in lines
_ANSWER: Final = re.compile(rb"@RSYNCD: (?:OK|AUTHREQD |EXIT)|@ERROR|[\t -~]*\Z")
_describe: Final = greetings(_GREETING, "version")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect rsync."""
    says = lines(server, 2)  # two of one version greet each other alike
    proved = len(says) > 1 and _ANSWER.match(says[1][0]) is not None and all(is_text(line) for line, _ in says)
    return either_first("rsync", _side(client), _side(server), _describe, client, server, proved=proved)


def _side(data: bytes) -> Evidence:
    if _GREETING.match(data):
        return YES
    if len(data) < 17 and (b"@RSYNCD: ".startswith(data) or re.fullmatch(rb"@RSYNCD: [\d.]{0,7}", data)):
        return MORE
    return NO
