"""Community ID, version 1: one name for a flow in the logs of different tools.

Source: github.com/corelight/community-id-spec (seed 0, base64).
"""

from __future__ import annotations

from binascii import b2a_base64
from functools import lru_cache
from hashlib import sha1
from struct import Struct
from typing import Final

from ..model.packet import ICMP, ICMPV6, TCP, UDP

_SCTP: Final = 132
_HAVE_PORTS: Final = frozenset({TCP, UDP, _SCTP, ICMP, ICMPV6})
_PORTS: Final = Struct("!BxHH").pack
#: message types that are asked and answered
_PAIRS4: Final = {0: 8, 8: 0, 9: 10, 10: 9, 13: 14, 14: 13, 15: 16, 16: 15, 17: 18, 18: 17}
_PAIRS6: Final = {
    128: 129, 129: 128, 130: 131, 131: 130, 133: 134, 134: 133,
    135: 136, 136: 135, 139: 140, 140: 139, 144: 145, 145: 144,
}  # fmt: skip


@lru_cache(1024)
def community_id(proto: int, src: bytes, dst: bytes, sport: int, dport: int) -> str:
    """Return the same text for both directions of a flow. For ICMP ``sport`` is the type and ``dport`` the code."""
    one_way = False
    if proto in (ICMP, ICMPV6):
        answer = (_PAIRS4 if proto == ICMP else _PAIRS6).get(sport)
        one_way = answer is None
        dport = dport if answer is None else answer
    if not one_way and (dst, dport) < (src, sport):
        src, dst, sport, dport = dst, src, dport, sport
    text = b"\0\0" + src + dst + (_PORTS(proto, sport, dport) if proto in _HAVE_PORTS else bytes([proto, 0]))
    return "1:" + b2a_base64(sha1(text, usedforsecurity=False).digest(), newline=False).decode("ascii")
