"""Diameter, by the header and the first attribute-value pair.

:checked: version, length in words, reserved flags, command and application, code and length of the first AVP
:source: RFC 6733 sections 3 and 4.1
:minimum: 28 bytes
:facts: command_code, application_id
"""

from __future__ import annotations

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, client_first
from ..parsing.wire import u24, u32
from ..transactions.hello_watch import watch_for_tls

api_version = 1
protocols = ("diameter",)
transport = "tcp"
tier = "structural"
first_client = b"\1"
first_server = b"\1"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Diameter."""
    proved = client[4:5] != server[4:5] or client[5:8] != server[5:8]  # an answer is no request
    return client_first("diameter", _side(client), _side(server), proved=proved)


pywall_transactions = watch_for_tls


def _side(data: bytes) -> Evidence:
    if len(data) < 28:
        reserved = len(data) > 4 and data[4] & 0x0F
        return MORE if data[:1] in (b"", b"\1") and not reserved else NO
    size, command = u24(data, 1), u24(data, 5)
    if data[0] != 1 or size % 4 or not 28 <= size <= 1 << 20 or data[4] & 0x0F or not 257 <= command < 0x800000 + 4096:
        return NO
    code, flags, length = u32(data, 20), data[24], u24(data, 25)
    if not 0 < code < 1 << 20 or flags & 0x1F or not 8 <= length <= size - 20:
        return NO
    return {"command_code": command, "application_id": u32(data, 8)}
