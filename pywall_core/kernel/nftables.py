"""What iptables-nft leaves behind: tables and base chains that it makes on first use and never removes.

Formats: ``linux/netfilter/nf_tables.h``. Only empty ones are deleted: the kernel itself refuses others (NLM_F_NONREC).
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from .netlink import ACK, NONREC, REQUEST, Netlink, attribute, attributes, message

_SUBSYSTEM: Final = 10 << 8
_DELTABLE: Final = _SUBSYSTEM | 2
_GETTABLE: Final = _SUBSYSTEM | 1
_GETCHAIN: Final = _SUBSYSTEM | 4
_DELCHAIN: Final = _SUBSYSTEM | 5
_GETGEN: Final = _SUBSYSTEM | 16
_BATCH_BEGIN: Final = 16
_BATCH_END: Final = 17
_NAME: Final = 1
_CHAIN_NAME: Final = 3
FAMILIES: Final = {4: int(socket.AF_INET), 6: int(socket.AF_INET6)}

#: a table, and a chain in it (empty: the table itself)
Place = tuple[str, str]


def _text(value: bytes) -> str:
    return value.rstrip(b"\0").decode(errors="replace")


def _string(value: str) -> bytes:
    return value.encode() + b"\0"


def places(family: int) -> set[Place]:
    """Return all tables and chains of one family (4 or 6); none where the kernel has no nf_tables."""
    number = FAMILIES[family]
    found: set[Place] = set()
    try:
        with Netlink() as netlink:
            for _, data in netlink.dump(_GETTABLE, number):
                found.add((_text(attributes(data).get(_NAME, b"")), ""))
            for _, data in netlink.dump(_GETCHAIN, number):
                fields = attributes(data)
                found.add((_text(fields.get(_NAME, b"")), _text(fields.get(_CHAIN_NAME, b""))))
    except OSError:
        return found
    return found


def delete_empty(family: int, candidates: set[Place]) -> None:
    """Delete those of the chains, then of the tables, that hold nothing; others stay."""
    for table, chain in sorted(candidates, key=lambda place: not place[1]):
        body = attribute(1, _string(table))
        if chain:
            body += attribute(_CHAIN_NAME, _string(chain))
        try:
            _delete(_DELCHAIN if chain else _DELTABLE, FAMILIES[family], body)
        except OSError:
            continue  # in use again, or gone already


def _delete(kind: int, family: int, body: bytes) -> None:
    with Netlink() as netlink:
        parts = [
            message(_BATCH_BEGIN, REQUEST, 0, resource=10, sequence=1),
            message(kind, REQUEST | ACK | NONREC, family, body, sequence=2),
            message(_BATCH_END, REQUEST, 0, resource=10, sequence=3),
        ]
        netlink.batch(parts, 2)


def generation() -> int:
    """Return the kernel's number of the rule set: it changes with every change of any rule. 0 without nf_tables."""
    try:
        with Netlink() as netlink:
            (number,) = struct.unpack(">I", attributes(netlink.get(_GETGEN, 0))[1])
    except (OSError, KeyError, struct.error):
        return 0
    return int(number)
