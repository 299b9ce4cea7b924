"""rsync's daemon protocol, by the greeting of both sides.

:checked: ``@RSYNCD:`` and a protocol version
:source: rsync, csprotocol.txt
:minimum: 11 bytes
:facts: client_version, server_version
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import OPEN, PROOF, REFUTED, Grade, judge

api_version = 1
protocols = ("rsync",)
transport = "tcp"
tier = "exact"
first_client = b"@"
first_server = b"@"

_GREETING: Final = re.compile(rb"@RSYNCD: (\d{1,3}(?:\.\d{1,3})?)[ \r\n]")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect rsync."""
    answer = judge("rsync", _side(client), _side(server))
    if answer is MORE or answer is NO:
        return answer
    assert isinstance(answer, Match)
    facts: dict[str, Any] = {}
    for name, data in (("client", client), ("server", server)):
        if greeting := _GREETING.match(data):
            facts[f"{name}_version"] = greeting[1].decode()
    return Match("rsync", facts, answer.confirmed, answer.done)


def _side(data: bytes) -> Grade:
    if _GREETING.match(data):
        return PROOF
    if len(data) < 17 and (b"@RSYNCD: ".startswith(data) or re.fullmatch(rb"@RSYNCD: [\d.]{0,7}", data)):
        return OPEN
    return REFUTED
