"""TLS from the middle of a record: of a connection that began before anybody looked.

:checked: two headers of encrypted records, the first anywhere, the second where the first one's record ends
:source: RFC 8446 section 5.1 and 5.2, RFC 5246 section 6.2
:minimum: one record and two headers of one side, of both for proof
:facts: none
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import either_first
from ..parsing.wire import u16

api_version = 1
protocols = ("tls",)
transport = "tcp"
tier = "heuristic"
first_client = None
first_server = None

_header = re.compile(rb"\x17\x03[\x01-\x03][\x00-\x41].", re.DOTALL)
#: type and version, which all of a side's records have in common
_COMMON: Final = 3
#: bytes of a side in which both headers are
_MOST: Final = 8192
#: bytes that are no ciphertext when all of them are text
_SHOWN: Final = 24
_TEXT: Final = bytes((9, 10, 13, *range(32, 127)))


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect TLS where a flow's start was not seen."""
    return either_first("tls", _look(client), _look(server)) if flow.midstream else NO


def _look(data: bytes) -> Answer:
    shown = data[:_SHOWN]
    if len(shown) == _SHOWN and not shown.translate(None, _TEXT):
        return NO
    data = data[:_MOST]
    for found in _header.finditer(data):
        end = found.end() + u16(data, found.start() + _COMMON)
        if data[end : end + _COMMON] == found[0][:_COMMON]:
            return YES
    return MORE if len(data) < _MOST else NO
