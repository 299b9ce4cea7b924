"""Sets of addresses in the kernel (ip_set), so that packets that a named set decides at sight are never queued.

One ``hash:net`` a set and family holds addresses and networks; an entry is one hash for each prefix length in use, and
changes cost no more in a large set than in a small one. iptables-nft and iptables-legacy both match them by xt_set.
The kernel is asked over netlink: a process of the command ipset for each change would cost more than the change.
Formats: ``linux/netfilter/ipset/ip_set.h``, protocol 6.
"""

from __future__ import annotations

import logging
import os
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from math import inf
from socket import AF_INET, AF_INET6, inet_pton
from typing import Final

from . import privileges
from .command import CommandError
from .netlink import NESTED, NETWORK_ORDER, Netlink, attribute, attributes

log: Final = logging.getLogger("pywall.kernel")
PREFIX: Final = "PYWALL_"
#: the longest time to live that the kernel takes, seconds
_LONGEST: Final = 2_147_483
#: entries in one message; an attribute holds 64 KiB at most, an IPv6 network with its time to live takes 48 bytes
_BATCH: Final = 1_000
_FAMILIES: Final = {4: AF_INET, 6: AF_INET6}

# commands, of netfilter's subsystem 6
_PROTOCOL, _CREATE, _DESTROY, _FLUSH, _LIST, _ADD, _DEL = (6 << 8 | command for command in (1, 2, 3, 4, 7, 9, 10))
# attributes of a command
_OF_PROTOCOL, _NAME, _TYPE, _REVISION, _FAMILY, _FLAGS, _DATA, _ENTRIES, _LINE = range(1, 10)
# attributes within _DATA
_IP: Final = 1
_LENGTH: Final = 3
_TIMEOUT: Final = 6
_MOST: Final = 19
_NAMES_ALONE: Final = 2
_IN_USE: Final = 4101
_ERRORS: Final = {
    4098: "the kernel has no module ip_set_hash_net",
    4099: "there are too many sets",
    _IN_USE: "a rule asks for it",
    4352: "it is full",
}

#: an entry as people write it, and its time to live in seconds (inf: for good)
Entry = tuple[str, float]


class SetInUseError(CommandError):
    """A rule asks for the set; older kernels free rules a moment after nf_tables took them away."""


def kernel_name(name: str, family: int) -> str:
    """Return what the kernel calls a named set."""
    return f"{PREFIX}{name}_{family}"


def family_of(entry: str) -> int:
    """Return 4 or 6."""
    return 6 if ":" in entry else 4


def available() -> bool:
    """Return True if the kernel has sets (module ip_set) and we may use them.

    iptables asks for the number of a set over a raw socket (xt_set).
    """
    if not privileges.has(privileges.CAP_NET_RAW):
        return False
    try:
        with Netlink() as link:
            link.get(_PROTOCOL, AF_INET, attribute(_OF_PROTOCOL, b"\6"))
    except OSError:
        return False
    return True


def create(name: str, most: int) -> None:
    """Create a set for both families, empty; one that a killed run left is emptied, one of
    another size or type is made again.

    :raises SetInUseError: a rule asks for the one of another size or type
    :raises CommandError: the kernel refuses it
    """
    limits = attribute(_TIMEOUT | NETWORK_ORDER, bytes(4)) + attribute(_MOST | NETWORK_ORDER, struct.pack(">I", most))
    for number, family in _FAMILIES.items():
        form = (
            attribute(_TYPE, b"hash:net\0")
            + attribute(_REVISION, b"\0")
            + attribute(_FAMILY, bytes([family]))
            + attribute(_DATA | NESTED, limits)
        )
        try:
            _request(_CREATE, name, number, form)
        except CommandError as error:
            if not isinstance(error.__cause__, FileExistsError):
                raise
            _request(_DESTROY, name, number)  # one of another size or type
            _request(_CREATE, name, number, form)
        _request(_FLUSH, name, number)


def add(name: str, entries: Iterable[Entry]) -> None:
    """Add entries, in batches. An entry that is there already gets the new time to live.

    :raises CommandError: the kernel refuses one
    """
    _change(_ADD, name, entries)


def delete(name: str, entries: Iterable[str]) -> None:
    """Take entries out; those that are not there are passed over. :raises CommandError: the kernel refuses one"""
    _change(_DEL, name, ((entry, inf) for entry in entries))


def destroy(names: Iterable[str]) -> None:
    """Remove sets; no rule may ask for them any more. Sets that are not there are passed over."""
    for name in names:
        for family in _FAMILIES:
            try:
                _request(_DESTROY, name, family)
            except CommandError as error:
                log.debug("%s", error)


def left_over() -> list[str]:
    """Return the names of our sets in the kernel."""
    flags = attribute(_OF_PROTOCOL, b"\6") + attribute(_FLAGS, struct.pack(">I", _NAMES_ALONE))
    names: list[str] = []
    with suppress(OSError), Netlink() as link:
        for _, content in link.dump(_LIST, AF_INET, flags):
            names.append(attributes(content).get(_NAME, b"").rstrip(b"\0").decode("ascii", "replace"))
    ours = {name[len(PREFIX) : -2] for name in names if name.startswith(PREFIX) and name[-2:] in ("_4", "_6")}
    return sorted(ours)


def _change(command: int, name: str, entries: Iterable[Entry]) -> None:
    left = iter(entries)
    while batch := list(islice(left, _BATCH)):
        for family in _FAMILIES:
            mine = [_encode(part, seconds) for entry, seconds in batch for part in _halves(entry, family)]
            if mine:
                _request(command, name, family, attribute(_ENTRIES | NESTED, b"".join(mine)) + _NO_LINE)


#: the kernel demands the number of a line where several entries come at once, and says which one it refused
_NO_LINE: Final = attribute(_LINE, bytes(4))


def _halves(entry: str, family: int) -> Iterator[str]:
    """Yield the entry, if it is of the family; hash:net takes no prefix of length 0."""
    if family_of(entry) != family:
        return
    if entry.endswith("/0"):
        yield from ("::/1", "8000::/1") if family == 6 else ("0.0.0.0/1", "128.0.0.0/1")
    else:
        yield entry


def _encode(entry: str, seconds: float) -> bytes:
    address, _, length = entry.partition("/")
    version = AF_INET6 if ":" in address else AF_INET
    kind = 2 if version == AF_INET6 else 1
    lifetime = 0 if seconds == inf else max(1, min(int(seconds + 0.5), _LONGEST))
    data = attribute(_IP | NESTED, attribute(kind | NETWORK_ORDER, inet_pton(version, address)))
    if length:
        data += attribute(_LENGTH, bytes([int(length)]))
    return attribute(_DATA | NESTED, data + attribute(_TIMEOUT | NETWORK_ORDER, struct.pack(">I", lifetime)))


def _request(command: int, name: str, family: int, body: bytes = b"") -> None:
    """Ask the kernel to change a set. What is there already, or is gone already, is no error (``-exist`` of ipset).

    :raises CommandError: it refuses
    """
    kernel = kernel_name(name, family)
    head = attribute(_OF_PROTOCOL, b"\6") + attribute(_NAME, kernel.encode() + b"\0")
    try:
        with Netlink() as link:
            link.request(command, _FAMILIES[family], head + body)
    except OSError as error:
        reason = _ERRORS.get(error.errno or 0) or os.strerror(error.errno or 0)
        kind = SetInUseError if error.errno == _IN_USE else CommandError
        raise kind(f"set {kernel} of the kernel: {reason}") from error
