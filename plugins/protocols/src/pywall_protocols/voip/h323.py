"""H.323: call signalling (H.225.0 over Q.931), control (H.245), and registration (RAS, over UDP).

:checked: the object identifier of H.225.0 or H.245 in the first message: behind a Q.931 header over TPKT, or near its
    start
:source: ITU-T H.225.0 annex H; H.245; Q.931 clause 4; RFC 1006 (TPKT)
:minimum: the first message
:facts: message
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import Evidence, by_datagram, by_stream
from ..parsing.tpkt import packet
from ..parsing.wire import cut, u16

api_version = 1
protocols = ("h323",)
transport = ("tcp", "udp")
tier = "exact"
#: the numbers of RAS messages, every third from 2 on a refusal, with which nobody begins, and TPKT's version
first_client = bytes((*(n for n in range(0x64) if n >> 2 not in range(2, 22, 3)), *range(0x80, 0xA0)))
first_server = None

#: OID 0.0.8.2250.0 and 0.0.8.245.0, as PER writes them
_H225: Final = b"\x00\x08\x91\x4a\x00"
_H245: Final = b"\x00\x08\x81\x75\x00"
_TPKT: Final = (b"", b"\3")
_TPKT_HEADER: Final = 4
#: bytes of a message in which the identifier is looked for
_MOST: Final = 4096
_Q931: Final = 0x08
#: bytes of a RAS or H.245 message within which its identifier begins
_NEAR: Final = 16
_MESSAGES: Final = {
    0x01: "alerting",
    0x02: "call-proceeding",
    0x03: "progress",
    0x05: "setup",
    0x07: "connect",
    0x0D: "setup-acknowledge",
    0x5A: "release-complete",
    0x62: "facility",
    0x6E: "notify",
    0x75: "status-enquiry",
    0x7B: "information",
    0x7D: "status",
}


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect H.323."""
    if flow.proto == UDP:
        return by_datagram("h323", _registration, flow, client, server, _registers)
    if not server and client[:1] not in _TPKT:
        return NO
    proved = belonging(client, server, _TPKT_HEADER, _size, _signalling, _belong, _MOST)
    return by_stream("h323", _signalling, client, server, proved=proved)


def _registers(one: bytes, other: bytes) -> bool:
    """A request of RAS, and another message: a confirmation, a rejection."""
    return one[0] >> 1 != other[0] >> 1


def _size(data: bytes) -> int:
    return u16(data, 2)


def _belong(one: bytes, other: bytes) -> bool:
    """Of one call two kinds of messages, or from its two sides (Q.931 section 4.3); in H.245 both may say the same."""
    if one[4:5] != other[4:5] or one[4:5] != bytes([_Q931]) or min(len(one), len(other)) < 8:
        return True
    return _kind(one) != _kind(other)


def _kind(message: bytes) -> int:
    """Return the kind of a message of Q.931 behind its call's reference, 0 where it is cut."""
    at = 6 + message[5]
    return message[at] if at < len(message) else 0


def _registration(data: bytes) -> Evidence:
    return {"message": "ras"} if _H225 in data[: _NEAR + len(_H225)] else NO


def _signalling(data: bytes) -> Evidence:
    found = packet(data)
    if isinstance(found, Answer):
        return found
    start, end = found
    if len(data) < min(end, start + 2):
        return MORE
    if data[start] != _Q931:
        if _H245 in data[start : start + _NEAR]:
            return {"message": "h245"}
        return MORE if len(data) < min(end, start + _NEAR) else NO
    kind_at = start + 2 + data[start + 1]
    if data[start + 1] > 4 or (len(data) > kind_at and data[kind_at] not in _MESSAGES):
        return NO
    if _H225 in cut(data, kind_at, end):
        return {"message": _MESSAGES[data[kind_at]]}
    return MORE if len(data) < end else NO
