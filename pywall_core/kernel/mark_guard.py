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
from .netlink import ACK, CREATE, NESTED, REQUEST, Netlink, attribute, attributes, message

TABLE: Final = "pywall"
#: one before NF_IP_PRI_MANGLE
PRIORITY: Final = -151
_INET: Final = 1
_SUBSYSTEM: Final = 10 << 8
_NEWTABLE, _DELTABLE = _SUBSYSTEM | 0, _SUBSYSTEM | 2
_NEWCHAIN: Final = _SUBSYSTEM | 3
_NEWRULE, _GETRULE, _DELRULE = _SUBSYSTEM | 6, _SUBSYSTEM | 7, _SUBSYSTEM | 8
_BATCH_BEGIN: Final = 16
_BATCH_END: Final = 17
_HOOKS: Final = {"INPUT": 1, "FORWARD": 2, "OUTPUT": 3}
_MARK: Final = 3
_REGISTER: Final = struct.pack(">I", 1)


def _text(value: str) -> bytes:
    return value.encode() + b"\0"


def _expression(name: str, *parts: bytes) -> bytes:
    body = attribute(1, _text(name)) + attribute(2 | NESTED, b"".join(parts))
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
    table = attribute(1, _text(TABLE))
    create = (_NEWTABLE, CREATE, table)
    try:
        _batch([create, (_DELRULE, 0, table), *_chains(marks, hooks)])
    except OSError:  # what has our name has another form
        _batch([create, (_DELTABLE, 0, table), create, *_chains(marks, hooks)])


def _chains(marks: Marks, hooks: tuple[str, ...]) -> list[tuple[int, int, bytes]]:
    requests = []
    for hook in hooks:
        place = _number(1, _HOOKS[hook]) + attribute(2, struct.pack(">i", PRIORITY))
        chain = attribute(1, _text(TABLE)) + attribute(3, _text(hook.lower()))
        requests.append((_NEWCHAIN, CREATE, chain + attribute(4 | NESTED, place) + attribute(7, _text("filter"))))
        where = attribute(1, _text(TABLE)) + attribute(2, _text(hook.lower()))
        requests.append((_NEWRULE, CREATE, where + attribute(4 | NESTED, _rule(marks))))
    return requests


def remove() -> None:
    """Take the table out, if it is there. Raises OSError when the kernel refuses."""
    table = attribute(1, _text(TABLE))
    try:
        _batch([(_NEWTABLE, CREATE, table), (_DELTABLE, 0, table)])
    except OSError:
        if present():
            raise


def present() -> dict[str, bytes]:
    """Return the rules of our table by chain, as the kernel describes them; nothing where there are none."""
    found: dict[str, bytes] = {}
    try:
        with Netlink() as netlink:
            for family, data in netlink.dump(_GETRULE, _INET):
                fields = attributes(data)
                if family == _INET and fields.get(1, b"") == _text(TABLE):
                    chain = fields.get(2, b"").rstrip(b"\0").decode(errors="replace")
                    found[chain] = found.get(chain, b"") + fields.get(4, b"")
    except OSError:
        return found
    return found


def _batch(requests: list[tuple[int, int, bytes]]) -> None:
    parts = [message(_BATCH_BEGIN, REQUEST, 0, resource=10, sequence=1)]
    for number, (kind, flags, body) in enumerate(requests, 2):
        parts.append(message(kind, REQUEST | ACK | flags, _INET, body, sequence=number))
    parts.append(message(_BATCH_END, REQUEST, 0, resource=10, sequence=len(requests) + 2))
    with Netlink() as netlink:
        netlink.batch(parts, len(requests) + 1)
