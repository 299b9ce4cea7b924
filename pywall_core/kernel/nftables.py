"""What iptables-nft leaves behind: tables and base chains that it makes on first use and never removes.

Formats: ``linux/netfilter/nf_tables.h``. Only empty ones are deleted: the kernel itself refuses others (NLM_F_NONREC).
"""

from __future__ import annotations

import socket
import struct
from typing import Final

from .netlink import NONREC, Netlink, attribute, attributes
from .nft_messages import DELCHAIN, DELTABLE, GETCHAIN, GETGEN, GETTABLE, batch, name, text

_NAME: Final = 1
_CHAIN_NAME: Final = 3
FAMILIES: Final = {4: int(socket.AF_INET), 6: int(socket.AF_INET6)}

#: a table, and a chain in it (empty: the table itself)
Place = tuple[str, str]


def places(family: int) -> set[Place]:
    """Return all tables and chains of one family (4 or 6); none where the kernel has no nf_tables."""
    number = FAMILIES[family]
    found: set[Place] = set()
    try:
        with Netlink() as netlink:
            for _, data in netlink.dump(GETTABLE, number):
                found.add((name(attributes(data).get(_NAME, b"")), ""))
            for _, data in netlink.dump(GETCHAIN, number):
                fields = attributes(data)
                found.add((name(fields.get(_NAME, b"")), name(fields.get(_CHAIN_NAME, b""))))
    except OSError:
        return found
    return found


def delete_empty(family: int, candidates: set[Place]) -> None:
    """Delete those of the chains, then of the tables, that hold nothing; others stay."""
    for table, chain in sorted(candidates, key=lambda place: not place[1]):
        body = attribute(1, text(table))
        if chain:
            body += attribute(_CHAIN_NAME, text(chain))
        try:
            batch(FAMILIES[family], [(DELCHAIN if chain else DELTABLE, NONREC, body)])
        except OSError:
            continue  # in use again, or gone already


def generation() -> int:
    """Return the kernel's number of the rule set: it changes with every change of any rule. 0 without nf_tables."""
    try:
        with Netlink() as netlink:
            (number,) = struct.unpack(">I", attributes(netlink.get(GETGEN, 0))[1])
    except (OSError, KeyError, struct.error):
        return 0
    return int(number)
