"""Remote Desktop Protocol, by the X.224 connection request and confirm, and its UDP transport.

:checked: TPKT and X.224 lengths, and the cookie, the negotiation request or response; without those a request and
    confirm that carry nothing; UDP: SYN with the fixed acknowledgement and sizes padded to the MTU
:source: MS-RDPBCGR 2.2.1.1 and 2.2.1.2, MS-RDPEUDP 2.2.2.1, RFC 1006, X.224 section 13
:minimum: 15 bytes
:facts: cookie, requested_protocols
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, Evidence, client_first
from ..parsing.wire import first_datagram, text, u16

api_version = 1
protocols = ("rdp",)
transport = ("tcp", "udp")
tier = "exact"
first_client = b"\x03\xff"
first_server = None

_COOKIE: Final = re.compile(rb"Cookie: (?:mstshash|msts)=([^\r\n]*)\r\n")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RDP; hand over to the TLS that both sides agree on."""
    if flow.proto == UDP:
        asked, reply = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
        return client_first("rdp", _syn(asked, b"\xff\xff\xff\xff", 1), _syn(reply, asked[8:12], 5) if asked else MORE)
    answer = client_first("rdp", _client(client), _server(server))
    if not isinstance(answer, Match):
        return answer
    facts: dict[str, Any] = {}
    size = u16(client, 2) if len(client) > 3 else 0
    if not size or len(client) < size:
        return Match("rdp", facts, answer.confirmed, done=False)
    if cookie := _COOKIE.search(client[:size]):
        facts["cookie"] = text(cookie[1])
    if client[size - 8 : size - 4] == b"\x01\0\x08\0":
        facts["requested_protocols"] = int.from_bytes(client[size - 4 : size], "little")
    if answer.confirmed and _agrees_on_tls(server):
        return Match("rdp", facts, True, True, restart=(size, u16(server, 2)))
    whole = len(server) > 3 and len(server) >= u16(server, 2)
    return Match("rdp", facts, answer.confirmed, answer.done and (whole or not answer.confirmed))


def _agrees_on_tls(server: bytes) -> bool:
    """A negotiation response that selects TLS or what runs inside of it (MS-RDPBCGR section 2.2.1.2.1)."""
    return len(server) >= 19 and server[11] == 2 and server[15] in (1, 2, 8, 16)


def _client(data: bytes) -> Evidence:
    if not _x224(data, b"\xe0"):
        return NO
    if len(data) < 11:
        return MORE
    size, rest = u16(data, 2), data[11:]
    if size == 11:
        return HINT
    if rest.startswith(b"Cookie: ") or (len(rest) >= 4 and rest[0] == 1 and rest[2:4] == b"\x08\0"):
        return YES
    return MORE if b"Cookie: ".startswith(rest[:8]) or (rest[:1] == b"\x01" and len(rest) < 4) else NO


def _server(data: bytes) -> Evidence:
    if not _x224(data, b"\xd0"):
        return NO
    if len(data) < 11 or (u16(data, 2) == 19 and len(data) < 15):
        return MORE
    size = u16(data, 2)
    if size == 11:
        return HINT
    return YES if size == 19 and data[11] in (2, 3) and data[13:15] == b"\x08\0" else NO


def _x224(data: bytes, code: bytes) -> bool:
    """TPKT version 3 and an X.224 connection message of ``code`` that fills it, as far as they are there."""
    if data[:2] not in (b"", b"\x03", b"\x03\0") or data[5:6] not in (b"", code):
        return False
    return len(data) < 5 or (data[4] == u16(data, 2) - 5 and data[4] >= 6)


def _syn(data: bytes, acknowledges: bytes, flags: int) -> Evidence:
    if not data:
        return MORE
    if len(data) < 1132 or data[:4] != acknowledges or u16(data, 6) & 5 != flags:
        return NO
    return YES if 1132 <= u16(data, 12) <= 1232 and 1132 <= u16(data, 14) <= 1232 else NO
