"""Session Announcement Protocol.

:checked: version 1, the source's address and authentication by their lengths, and a session description behind them
:source: RFC 2974 section 3; RFC 8866 (SDP)
:minimum: the first datagram, 11 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon

api_version = 1
protocols = ("sap",)
transport = "udp"
tier = "exact"
first_client = bytes(n for n in range(0x20, 0x40) if not n & 8)
first_server = None

_IPV6: Final = 0x10
_ENCRYPTED_OR_COMPRESSED: Final = 0x03
_SDP: Final = b"application/sdp\0"
_DESCRIPTION: Final = (b"v=0\r", b"v=0\n", b"o=")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SAP."""
    return by_beacon("sap", _message, flow, client)


def _message(data: bytes) -> Evidence:
    if len(data) < 11 or data[0] & _ENCRYPTED_OR_COMPRESSED:
        return NO
    at = 4 + (16 if data[0] & _IPV6 else 4) + data[1] * 4
    if data.startswith(_SDP, at):
        return {}
    return {} if data.startswith(_DESCRIPTION, at) else NO
