"""Messages to nf_tables: their numbers, names as it wants them, and several requests in one transaction.

Formats: ``linux/netfilter/nf_tables.h`` and ``nfnetlink.h``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from .netlink import ACK, REQUEST, Netlink, message

_SUBSYSTEM: Final = 10
NEWTABLE, GETTABLE, DELTABLE = (_SUBSYSTEM << 8 | kind for kind in (0, 1, 2))
NEWCHAIN, GETCHAIN, DELCHAIN = (_SUBSYSTEM << 8 | kind for kind in (3, 4, 5))
NEWRULE, GETRULE, DELRULE = (_SUBSYSTEM << 8 | kind for kind in (6, 7, 8))
GETGEN: Final = _SUBSYSTEM << 8 | 16
_BATCH_BEGIN: Final = 16
_BATCH_END: Final = 17

#: kind, flags beside those of every request, attributes
Request = tuple[int, int, bytes]


def text(value: str) -> bytes:
    """Return a name as an attribute's value."""
    return value.encode() + b"\0"


def name(value: bytes) -> str:
    """Return the name in an attribute's value."""
    return value.rstrip(b"\0").decode(errors="replace")


def batch(family: int, requests: Sequence[Request]) -> None:
    """Have the kernel do all of ``requests``, or none. Raises OSError when it does not take one."""
    parts = [message(_BATCH_BEGIN, REQUEST, 0, resource=_SUBSYSTEM, sequence=1)]
    for number, (kind, flags, body) in enumerate(requests, 2):
        parts.append(message(kind, REQUEST | ACK | flags, family, body, sequence=number))
    parts.append(message(_BATCH_END, REQUEST, 0, resource=_SUBSYSTEM, sequence=len(requests) + 2))
    with Netlink() as netlink:
        netlink.batch(parts, len(requests) + 1)
