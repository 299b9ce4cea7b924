"""The table ``inet pywall``: takes marks off packets that look as if a worker had decided them, before our own chains.

A packet that comes back from a worker (NF_REPEAT) enters the chain that queued it, ``mangle`` at priority -150, and no
earlier one. So what carries our tag at priority -151 of the same hook is somebody else's doing: a socket's SO_MARK, a
rule of nft or iptables, a restored connmark. Our bits are cleared there; other marks stay as they are. Needs nf_tables,
which iptables-nft has anyway; with iptables-legacy the two work side by side.

Formats: ``linux/netfilter/nf_tables.h``.
"""

from __future__ import annotations

import struct
from typing import Final

from .marks import Marks
from .netlink import CREATE, NESTED, Netlink, attribute, attributes
from .nft_messages import DELRULE, DELTABLE, GETRULE, NEWCHAIN, NEWRULE, NEWTABLE, Request, batch, name, text

TABLE: Final = "pywall"
#: one before NF_IP_PRI_MANGLE
PRIORITY: Final = -151
_INET: Final = 1
_HOOKS: Final = {"INPUT": 1, "FORWARD": 2, "OUTPUT": 3}
_MARK: Final = 3
_REGISTER: Final = struct.pack(">I", 1)


def _expression(kind: str, *parts: bytes) -> bytes:
    body = attribute(1, text(kind)) + attribute(2 | NESTED, b"".join(parts))
    return attribute(1 | NESTED, body)


def _load_mark() -> bytes:
    return _expression("meta", attribute(2, struct.pack(">I", _MARK)), attribute(1, _REGISTER))


def _and(mask: int) -> bytes:
    values = [attribute(kind | NESTED, attribute(1, struct.pack("=I", value))) for kind, value in ((4, mask), (5, 0))]
    return _expression("bitwise", attribute(1, _REGISTER), attribute(2, _REGISTER), _number(3, 4), *values)


def _number(kind: int, value: int) -> bytes:
    return attribute(kind, struct.pack(">I", value))


def _rule(marks: Marks) -> bytes:
    """``meta mark & TAG_MASK == TAG meta mark set meta mark & ~MASK``."""
    tag = marks.packet_ours
    equal = _expression(
        "cmp", attribute(1, _REGISTER), _number(2, 0), attribute(3 | NESTED, attribute(1, struct.pack("=I", tag.value)))
    )
    store = _expression("meta", _number(2, _MARK), attribute(3, _REGISTER))
    return _load_mark() + _and(tag.mask) + equal + _load_mark() + _and(0xFFFFFFFF & ~marks.mask) + store


def install(marks: Marks, hooks: tuple[str, ...]) -> None:
    """Put the table in, or exchange its rules, in one transaction. Raises OSError when the kernel does not take it.

    Its chains stay, without rules where a hook is not used any more: when a base chain goes, the kernel drops all
    packets that wait in any queue (``nf_queue_nf_hook_drop`` in net/netfilter/core.c).
    """
    table = attribute(1, text(TABLE))
    create = (NEWTABLE, CREATE, table)
    try:
        batch(_INET, [create, (DELRULE, 0, table), *_chains(marks, hooks)])
    except OSError:  # what has our name has another form
        batch(_INET, [create, (DELTABLE, 0, table), create, *_chains(marks, hooks)])


def _chains(marks: Marks, hooks: tuple[str, ...]) -> list[Request]:
    requests = []
    for hook in hooks:
        place = _number(1, _HOOKS[hook]) + attribute(2, struct.pack(">i", PRIORITY))
        chain = attribute(1, text(TABLE)) + attribute(3, text(hook.lower()))
        requests.append((NEWCHAIN, CREATE, chain + attribute(4 | NESTED, place) + attribute(7, text("filter"))))
        where = attribute(1, text(TABLE)) + attribute(2, text(hook.lower()))
        requests.append((NEWRULE, CREATE, where + attribute(4 | NESTED, _rule(marks))))
    return requests


def remove() -> None:
    """Take the table out, if it is there. Raises OSError when the kernel refuses."""
    table = attribute(1, text(TABLE))
    try:
        batch(_INET, [(NEWTABLE, CREATE, table), (DELTABLE, 0, table)])
    except OSError:
        if present():
            raise


def present() -> dict[str, bytes]:
    """Return the rules of our table by chain, as the kernel describes them; nothing where there are none."""
    found: dict[str, bytes] = {}
    try:
        with Netlink() as netlink:
            for family, data in netlink.dump(GETRULE, _INET):
                fields = attributes(data)
                if family == _INET and fields.get(1, b"") == text(TABLE):
                    chain = name(fields.get(2, b""))
                    found[chain] = found.get(chain, b"") + fields.get(4, b"")
    except OSError:
        return found
    return found
