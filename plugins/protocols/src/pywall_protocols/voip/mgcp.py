"""MGCP, the Media Gateway Control Protocol.

:checked: a command line with verb, transaction, endpoint and version; an answer's code and the same transaction
:source: RFC 3435 sections 3.2.1 and 3.3
:minimum: one datagram
:facts: verb, endpoint
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import text

api_version = 1
protocols = ("mgcp",)
transport = "udp"
tier = "exact"
first_client = b"ACDEMNRacdemnr"
first_server = b"0123456789"

_COMMAND: Final = re.compile(
    rb"(EPCF|CRCX|MDCX|DLCX|RQNT|NTFY|AUEP|AUCX|RSIP|MESG)[ \t]+(\d{1,9})[ \t]+(\S{1,255})[ \t]+MGCP[ \t]+\d\.\d", re.I
)
_RESPONSE: Final = re.compile(rb"[0-9]\d\d[ \t]+(\d{1,9})[ \t\r\n]")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect MGCP."""
    return by_request("mgcp", _command, _answers, flow, client, server)


def _command(data: bytes) -> Evidence:
    found = _COMMAND.match(data)
    return {"verb": text(found[1].upper()), "endpoint": text(found[3])} if found else NO


def _answers(command: bytes, response: bytes) -> Answer:
    asked, reply = _COMMAND.match(command), _RESPONSE.match(response)
    return YES if asked and reply and int(asked[2]) == int(reply[1]) else NO
