"""What a rule can ask of packets and flows: addresses, ports, names, facts, rates, times.

Each kind is imported when a policy asks for it.
"""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Final

from pywall_core.api import hookimpl

if TYPE_CHECKING:
    from pywall_core.api import RuleKind, RuleRegistry

api_version = 1

#: name of a kind -> module and class
KINDS: Final = {
    "ip": "ip:Ip",
    "port": "port:Port",
    "protocol": "protocol:Protocol",
    "service": "service:Service",
    "iface": "iface:Iface",
    "flow": "flow:FlowStart",
    "fact": "fact:Fact",
    "app": "app:App",
    "domain": "domain:Domain",
    "tcp-state": "tcp_state:TcpState",
    "limit": "limit:Limit",
    "seen": "seen:Seen",
    "time": "clock:Clock",
    "geo": "geo:Geo",
    "asn": "geo:Asn",
    "knock": "knock:Knock",
    "spa": "spa:Spa",
    "log": "log:Log",
    "always": "always:Always",
}


@hookimpl
def pywall_rules(register: RuleRegistry) -> None:
    for name, place in KINDS.items():
        register.later(name, partial(_load, place))


def _load(place: str) -> type[RuleKind]:
    module, _, name = place.partition(":")
    kind: type[RuleKind] = getattr(import_module(f"{__package__}.{module}"), name)
    return kind
