""".NET's message framing (net.tcp of WCF) and remoting.

:checked: the preamble's records: version 1.0, mode, and a ``net.tcp`` address; the server's acknowledgement. Remoting:
    its magic, version, operation and framing, of both sides
:source: MC-NMF sections 2.2.3 and 2.2.4; MS-NRTP section 2.2.3.3
:minimum: 12 bytes of the client
:facts: uri
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import starts, text
from ..transactions.hello_watch import watch_for_tls

api_version = 1
protocols = (
    "net-tcp",
    "net-remoting",
)
unseen = protocols
transport = "tcp"
tier = "exact"
first_client = b"\0."
first_server = b"\x08\x0b."

_PREAMBLE: Final = re.compile(
    rb"\x00\x01\x00\x01[\x01-\x04]\x02(?:[\x00-\x7f]|[\x80-\xff][\x01-\x07])net\.(?:tcp|pipe)://"
)
_BEGINNING: Final = re.compile(rb"\x00(?:\x01(?:\x00(?:\x01(?:[\x01-\x04](?:\x02[\x00-\xff]{0,13})?)?)?)?)?\Z")
_REMOTING: Final = b".NET\1\0"
#: preamble acknowledged, upgrade granted; a fault
_ANSWERS: Final = (b"\x0b", b"\x0a", b"\x08")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect .NET's framing."""
    if client[:1] == b".":
        return by_request("net-remoting", _remoting, _remoting_answers, flow, client, server)
    return by_request("net-tcp", _preamble, _acknowledges, flow, client, server)


pywall_transactions = watch_for_tls


def _preamble(data: bytes) -> Evidence:
    found = _PREAMBLE.match(data)
    if found is None:
        return MORE if _BEGINNING.match(data) else NO
    size, at = data[6], 7
    if size > 0x7F:  # MC-NMF section 2.2.2: seven bits a byte, the low ones first
        size, at = size & 0x7F | data[7] << 7, 8
    return {"uri": text(data[at : at + size])} if len(data) >= at + size else MORE


def _acknowledges(preamble: bytes, answer: bytes) -> Answer:
    """An acknowledgement is one byte, behind which the server waits."""
    if answer[:1] not in _ANSWERS:
        return NO
    if answer[:1] == b"\x08":
        return MORE if len(answer) < 2 else NO
    return YES if len(answer) == 1 or answer[1] in b"\5\6\7\x0a\x0b" else NO


def _remoting(data: bytes) -> Evidence:
    result = starts(data[: len(_REMOTING)], _REMOTING)
    return {} if result is YES else result


def _remoting_answers(request: bytes, answer: bytes) -> Answer:
    return starts(answer[: len(_REMOTING)], _REMOTING)
