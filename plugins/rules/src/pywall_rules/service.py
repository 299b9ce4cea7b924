"""``service``: ports by the name of the service that is usually there."""

from __future__ import annotations

import difflib
import re
import socket
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar, Final

from pydantic import Field, field_validator

from pywall_core.api import NO, TCP, UDP, YES, Answer, Flow, Matcher, Packet, RuleIndex, RuleKind

from .lists import one_or_more
from .one_or_many import OneOrMany

if TYPE_CHECKING:
    from pywall_core.api import Host

#: Services of several ports, and those whose name in /etc/services differs or is missing: (protocol, first, last port).
SERVICES: Final[dict[str, tuple[tuple[int, int, int], ...]]] = {
    "web": ((TCP, 80, 80), (TCP, 443, 443), (UDP, 443, 443)),
    "http": ((TCP, 80, 80),),
    "https": ((TCP, 443, 443), (UDP, 443, 443)),
    "dns": ((UDP, 53, 53), (TCP, 53, 53)),
    "dhcp": ((UDP, 67, 68),),
    "dhcpv6": ((UDP, 546, 547),),
    "mail": ((TCP, 25, 25), (TCP, 465, 465), (TCP, 587, 587)),
    "mailbox": ((TCP, 110, 110), (TCP, 143, 143), (TCP, 993, 993), (TCP, 995, 995)),
    "samba": ((UDP, 137, 138), (TCP, 139, 139), (TCP, 445, 445)),
    "mdns": ((UDP, 5353, 5353),),
    "ssdp": ((UDP, 1900, 1900),),
    "mosh": ((UDP, 60_000, 61_000),),
    "wireguard": ((UDP, 51_820, 51_820),),
    "openvpn": ((UDP, 1194, 1194), (TCP, 1194, 1194)),
    "ipsec": ((UDP, 500, 500), (UDP, 4500, 4500)),
    "rdp": ((TCP, 3389, 3389), (UDP, 3389, 3389)),
    "steam": ((UDP, 27_000, 27_100), (TCP, 27_015, 27_050)),
}


class Service(RuleKind):
    """Matches packets to (or with ``from: true`` from) the ports at which a service usually is, by our own list and the
    machine's /etc/services. What really runs there is asked by ``app``."""

    kind: ClassVar[str] = "service"
    examples: ClassVar = ({"is": "https"}, {"is": ["ssh", "dns"]})

    names: OneOrMany[str] = Field(alias="is", description="ssh, https, dns, web, dhcp, mail, ..., or a list")
    replies: bool = Field(default=False, alias="from", description="true: packets that come from these ports")

    @field_validator("names", mode="before")
    @classmethod
    def _are_names(cls, value: object) -> object:
        for name in one_or_more(list(value) if isinstance(value, tuple) else value):
            digits = re.fullmatch(r"(?:(tcp|udp)[/:])?(\d{1,5})(?:/(tcp|udp))?", str(name))
            if digits:
                protocol = digits[1] or digits[3]
                form = f"{{rule: port, {f'protocol: {protocol}, ' if protocol else ''}dst: {digits[2]}}}"
                raise ValueError(f"{name} is a port: write {form}")
            if isinstance(name, str):
                ports_of(name)
        return value

    def index(self, host: Host) -> RuleIndex:
        replies = self.replies

        def look(packet: Packet, flow: Flow) -> tuple[tuple[int, int]]:
            return ((packet.proto, packet.sport if replies else packet.dport),)

        ends = tuple(((proto, low), (proto, high)) for name in self.names for proto, low, high in ports_of(name))
        return RuleIndex(("service", replies), look, ranges=ends)

    def compile(self, host: Host) -> Matcher:
        ranges: dict[int, list[tuple[int, int]]] = {}
        for name in self.names:
            for protocol, low, high in ports_of(name):
                ranges.setdefault(protocol, []).append((low, high))
        ports = {
            protocol: frozenset(port for low, high in spans for port in range(low, high + 1))
            for protocol, spans in ranges.items()
        }
        tcp, udp = ports.get(TCP, frozenset()), ports.get(UDP, frozenset())
        replies = self.replies

        def match(packet: Packet, flow: Flow) -> Answer:
            port = packet.sport if replies else packet.dport
            if packet.proto == TCP:
                return YES if port in tcp else NO
            return YES if packet.proto == UDP and port in udp else NO

        return match


def ports_of(name: str) -> tuple[tuple[int, int, int], ...]:
    """Protocol and ports of a service. :raises ValueError: not known, naming the nearest"""
    found = SERVICES.get(name.lower())
    if found is not None:
        return found
    ports = []
    for protocol, number in (("tcp", TCP), ("udp", UDP)):
        with suppress(OSError):
            port = socket.getservbyname(name.lower(), protocol)
            ports.append((number, port, port))
    if not ports:
        name_in_services = name.lower().removeprefix("open")
        near = difflib.get_close_matches(name_in_services, [*SERVICES, "ssh", "ntp", "snmp", "ldap"], n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(
            f"no service {name!r} in our list nor in /etc/services{hint} (a port: {{rule: port, dst: 22}})"
        )
    return tuple(ports)
