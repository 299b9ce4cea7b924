"""The plugin ``rules``: registers the kinds of this package."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pywall_core.api import hookimpl

from .always import Always
from .app import App
from .fact import Fact
from .flow import FlowStart
from .iface import Iface
from .ip import Ip
from .knock import Knock
from .log import Log
from .port import Port
from .protocol import Protocol
from .spa import Spa
from .tcp_state import TcpState

if TYPE_CHECKING:
    from pywall_core.api import RuleRegistry

api_version = 1

KINDS = (Ip, Port, Protocol, Iface, FlowStart, Fact, App, TcpState, Knock, Spa, Log, Always)


@hookimpl
def pywall_rules(register: RuleRegistry) -> None:
    for kind in KINDS:
        register(kind)
