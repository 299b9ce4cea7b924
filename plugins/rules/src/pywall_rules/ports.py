"""Sets of port numbers, and the protocols that have ports."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from .lists import one_or_more

#: IP protocol numbers (IANA) of the transport protocols whose header begins with two port numbers.
PORT_PROTOCOLS: Final = {"tcp": 6, "udp": 17, "dccp": 33, "sctp": 132, "udplite": 136}

#: Sets up to this size are hashed, larger ones become a table of 64 KiB.
_SMALL: Final = 256


class PortSet:
    """Port numbers 0 to 65535. ``has(port)`` is true for its members."""

    def __init__(self, ports: frozenset[int]) -> None:
        self.ports = ports
        self.has: Callable[[int], object] = (
            ports.__contains__ if len(ports) <= _SMALL else bytes(port in ports for port in range(65536)).__getitem__
        )

    @classmethod
    def parse(cls, value: Any) -> PortSet:
        """From a number, a range ``"1000-2000"`` (inclusive), or a list of both.

        :raises ValueError: naming the entry that is no port
        """
        if isinstance(value, cls):
            return value
        ports: set[int] = set()
        for entry in one_or_more(value):
            ports.update(_range(entry))
        return cls(frozenset(ports))


def port(entry: Any) -> int:
    """:raises ValueError: not a port number"""
    if isinstance(entry, str) and entry.isascii() and entry.isdecimal() and len(entry) < 7:
        entry = int(entry)
    if type(entry) is not int or not 0 <= entry <= 65535:
        shown = entry if isinstance(entry, int) and not isinstance(entry, bool) else repr(entry)
        raise ValueError(f"{shown} is not a port (0-65535)")
    return entry


def _range(entry: Any) -> range:
    if isinstance(entry, str) and "-" in entry.strip("- "):
        low, _, high = entry.partition("-")
        first, last = port(low.strip()), port(high.strip())
        if first > last:
            raise ValueError(f"{entry!r} is an empty range: the lower port comes first")
        return range(first, last + 1)
    found = port(entry)
    return range(found, found + 1)
