"""``protocol``: the IP protocol number."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final

from pydantic import BeforeValidator, Field, WithJsonSchema

from pywall_core.api import NO, YES, Answer, Flow, Matcher, Packet, RuleIndex, RuleKind

from .one_or_many import OneOrMany
from .port import Port
from .ports import PORT_PROTOCOLS

if TYPE_CHECKING:
    from pywall_core.api import Host

#: Names of IP protocol numbers, as in the IANA registry and /etc/protocols.
NUMBERS: Final = {
    "icmp": 1,
    "igmp": 2,
    "ipip": 4,
    "tcp": 6,
    "udp": 17,
    "dccp": 33,
    "ipv6": 41,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "icmpv6": 58,
    "eigrp": 88,
    "ospf": 89,
    "pim": 103,
    "vrrp": 112,
    "l2tp": 115,
    "sctp": 132,
    "udplite": 136,
}


def _number(entry: Any) -> int:
    number = NUMBERS.get(entry, -1) if isinstance(entry, str) else entry
    if type(number) is not int or not 0 <= number <= 255:
        raise ValueError(f"{entry!r} is not an IP protocol{_right_form(entry)}")
    return number


def _right_form(entry: Any) -> str:
    text = str(entry).strip().lower()
    parts = re.split(r"[/,+ ]+", text)
    if len(parts) > 1 and all(part in NUMBERS for part in parts):
        return f": write a list, [{', '.join(parts)}]"
    if text in NUMBERS:
        return f": write {text}"
    if text.isdecimal() and isinstance(entry, str):
        return f": write {text} without quotes"
    if text in ("any", "all", "ip"):
        return ": for any protocol, write {rule: always}"
    if text in ("ipv6-icmp", "icmp6"):
        return ": write icmpv6"
    if text in ("ping", "echo", "echo-request", "echo-reply", "traceroute"):
        return ": it is carried by icmp and icmpv6, write icmp (types of ICMP are not asked)"
    bare = re.sub(r"^(?:!\s*|not\s+)", "", text)
    if bare != text:
        return f": for all but this, write {{not: {{rule: protocol, is: {bare}}}}}"
    if text in ("http", "https", "tls", "ssh", "dns", "ftp", "smtp", "quic"):
        return f": it is spoken inside TCP or UDP, write {{rule: app, is: {'tls' if text == 'https' else text}}}"
    return f" (0-255, {', '.join(list(NUMBERS)[:8])}, ...)"


_SCHEMA: Final = {"anyOf": [{"enum": list(NUMBERS)}, {"type": "integer", "minimum": 0, "maximum": 255}]}
Number = Annotated[int, BeforeValidator(_number), WithJsonSchema(_SCHEMA)]


class Protocol(RuleKind):
    """Matches by the packet's IP protocol, found behind IPv6 extension headers."""

    kind: ClassVar[str] = "protocol"

    numbers: OneOrMany[Number] = Field(
        alias="is", description="a name (tcp, udp, icmp, icmpv6, gre, esp, sctp, ...) or number, or a list"
    )

    def covers(self, other: RuleKind) -> bool:
        if isinstance(other, Port):
            return other.protocol is not None and PORT_PROTOCOLS[other.protocol] in self.numbers
        return isinstance(other, Protocol) and set(self.numbers) >= set(other.numbers)

    def index(self, host: Host) -> RuleIndex:
        return RuleIndex("protocol", lambda packet, flow: (packet.proto,), keys=tuple(dict.fromkeys(self.numbers)))

    def compile(self, host: Host) -> Matcher:
        numbers = frozenset(self.numbers)

        def match(packet: Packet, flow: Flow) -> Answer:
            return YES if packet.proto in numbers else NO

        return match
