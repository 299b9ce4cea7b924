"""IEC 62056-21: meters that are read through a serial device server.

The same series' COSEM over TCP and UDP is ``dlms``.

:checked: the sign-on, with an address or without; the meter's identification: maker, speed and type
:source: IEC 62056-21 sections 6.3.1 and 6.3.2
:minimum: 5 bytes of the client
:facts: meter
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, client_first
from ..parsing.wire import text

api_version = 1
protocols = ("iec62056-21",)
unseen = ("iec62056-21",)
transport = "tcp"
tier = "structural"
first_client = b"/"
first_server = b"/"

_SIGN_ON: Final = re.compile(rb"/\?[0-9A-Za-z ]{0,32}!\r\n")
_SIGN_ON_BEGINS: Final = re.compile(rb"/(?:\?[0-9A-Za-z ]{0,32}(?:!\r?)?)?\Z")
_METER: Final = re.compile(rb"/([A-Z]{2}[A-Za-z][0-9A-I][ -~]{0,20})\r\n")
_METER_BEGINS: Final = re.compile(rb"/[A-Z]{0,2}[A-Za-z]?[0-9A-I]?[ -~]{0,20}\r?\Z")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect the sign-on of IEC 62056-21."""
    return client_first("iec62056-21", _client(client), _server(server))


def _client(data: bytes) -> Evidence:
    if _SIGN_ON.match(data):
        return YES
    return MORE if not data or _SIGN_ON_BEGINS.match(data) else NO


def _server(data: bytes) -> Evidence:
    if meter := _METER.match(data):
        return {"meter": text(meter[1])}
    return MORE if not data or _METER_BEGINS.match(data) else NO
