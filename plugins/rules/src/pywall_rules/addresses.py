"""Sets of addresses as sorted ranges of packed bytes: a look-up is one bisection, whatever the number of networks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any

from .lists import lines_of, one_or_more

Ranges = tuple[list[bytes], list[bytes]]


class AddressSet:
    """IPv4 and IPv6 networks. ``address in addresses`` takes 4 or 16 packed octets."""

    def __init__(self, networks: Iterable[IPv4Network | IPv6Network]) -> None:
        found = list(networks)
        self._v4 = _ranges([network for network in found if network.version == 4])
        self._v6 = _ranges([network for network in found if network.version == 6])

    @classmethod
    def parse(cls, value: Any) -> AddressSet:
        """From one CIDR, a list of them, or ``{file: PATH}`` with one a line.

        :raises ValueError: naming the entry that is no address or network
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, dict):
            if list(value) != ["file"] or not isinstance(value["file"], str):
                raise ValueError("should be addresses or networks, or {file: PATH}")
            return cls(_network(entry, f"{place}: ") for place, entry in lines_of(value["file"]))
        return cls([_network(entry) for entry in one_or_more(value)])

    def __contains__(self, address: bytes) -> bool:
        starts, ends = self._v4 if len(address) == 4 else self._v6
        at = bisect_right(starts, address) - 1
        return at >= 0 and address <= ends[at]


def _network(entry: Any, place: str = "") -> IPv4Network | IPv6Network:
    try:
        if not isinstance(entry, str) or "%" in entry:  # a zone is no part of a packet's address
            raise ValueError
        return ip_network(entry, strict=False)
    except ValueError:
        raise ValueError(f"{place}{entry!r} is no address or network (192.0.2.0/24, 2001:db8::/32)") from None


def _ranges(networks: list[IPv4Network] | list[IPv6Network] | list[IPv4Network | IPv6Network]) -> Ranges:
    """First and last addresses of the networks, sorted, overlaps joined."""
    starts: list[bytes] = []
    ends: list[bytes] = []
    for first, last in sorted((n.network_address.packed, n.broadcast_address.packed) for n in networks):
        if ends and first <= ends[-1]:
            ends[-1] = max(ends[-1], last)
        else:
            starts.append(first)
            ends.append(last)
    return starts, ends
