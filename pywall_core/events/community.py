"""Community ID, version 1: one name for a flow in the logs of different tools.

Source: github.com/corelight/community-id-spec (seed 0, base64).
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha1
from struct import pack
from typing import Final

from ..types import ICMP, ICMPV6, TCP, UDP

_SCTP: Final = 132
#: message types that are asked and answered
_PAIRS4: Final = {0: 8, 8: 0, 9: 10, 10: 9, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17}
_PAIRS6: Final = {
    128: 129, 129: 128, 130: 131, 131: 130, 133: 134, 134: 133,
    135: 136, 136: 135, 139: 140, 140: 139, 144: 145, 145: 144,
}  # fmt: skip


def community_id(proto: int, src: bytes, dst: bytes, sport: int, dport: int) -> str:
    """The same text for both directions of a flow. For ICMP ``sport`` is the type and ``dport`` the code."""
    one_way = False
    if proto in (ICMP, ICMPV6):
        answer = (_PAIRS4 if proto == ICMP else _PAIRS6).get(sport)
        one_way = answer is None
        dport = dport if answer is None else answer
    if not one_way and (dst, dport) < (src, sport):
        src, dst, sport, dport = dst, src, dport, sport
    text = b"\0\0" + src + dst + bytes([proto, 0])
    if proto in (TCP, UDP, _SCTP, ICMP, ICMPV6):
        text += pack("!HH", sport, dport)
    return "1:" + b64encode(sha1(text, usedforsecurity=False).digest()).decode("ascii")
