"""The matchers that nearly every packet asks, of names, addresses and ports: apart from the kinds, to be compiled."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Final

from pywall_core.api import NO, PENDING, YES, Answer, Flow, Matcher, Packet

# names of this module: compiled, those that another distribution has are looked up each time
_NO: Final = NO
_PENDING: Final = PENDING
_YES: Final = YES


def match_names(
    names: frozenset[str],
    must_be_confirmed: bool,
    possible: Callable[[Flow], frozenset[str]],
    may_be_confirmed: Callable[[Flow], bool],
) -> Matcher:
    """Return the matcher of :class:`.app.App`."""

    def match(packet: Packet, flow: Flow) -> Answer:
        app_proto = flow.app_proto
        if app_proto is None:
            return _NO if names.isdisjoint(possible(flow)) else _PENDING
        if app_proto not in names:
            return _NO
        if must_be_confirmed and not flow.confirmed and app_proto != "unknown" and app_proto != "none":
            return _PENDING if may_be_confirmed(flow) else _NO
        return _YES

    return match


def match_addresses(sources: Container[bytes] | None, targets: Container[bytes] | None) -> Matcher:
    """Return the matcher of :class:`.ip.Ip`; None is any address."""

    def match(packet: Packet, flow: Flow) -> Answer:
        if sources is not None and packet.src not in sources:
            return _NO
        return _YES if targets is None or packet.dst in targets else _NO

    return match


def match_ports(
    protocols: frozenset[int], from_port: Callable[[int], object] | None, to_port: Callable[[int], object] | None
) -> Matcher:
    """Return the matcher of :class:`.port.Port`; None is any port."""

    def match(packet: Packet, flow: Flow) -> Answer:
        if packet.proto not in protocols:
            return _NO
        if to_port is not None and not to_port(packet.dport):
            return _NO
        if from_port is not None and not from_port(packet.sport):
            return _NO
        return _YES

    return match
