"""The plugin ``rules``: registers the kinds of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pywall_core.api import hookimpl

from .always import Always
from .app import App
from .clock import Clock
from .domain import Domain
from .fact import Fact
from .flow import FlowStart
from .geo import Asn, Geo
from .iface import Iface
from .ip import Ip
from .knock import Knock
from .limit import Limit
from .log import Log
from .port import Port
from .protocol import Protocol
from .seen import Seen
from .service import Service
from .spa import Spa
from .tcp_state import TcpState

if TYPE_CHECKING:
    from pywall_core.api import RuleRegistry

api_version = 1

KINDS = (
    Ip, Port, Protocol, Service, Iface, FlowStart, Fact, App, Domain, TcpState, Limit, Seen, Clock, Geo, Asn,
    Knock, Spa, Log, Always,
)  # fmt: skip


@hookimpl
def pywall_rules(register: RuleRegistry) -> None:
    for kind in KINDS:
        register(kind)
