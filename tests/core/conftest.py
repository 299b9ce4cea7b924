"""Small plugins and engines for the core's own tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest

from pywall_core.api import NO, PENDING, YES, Answer, Flow, Host, Matcher, Packet, RuleKind, hookimpl
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.plugins.loader import assemble


class Port(RuleKind):
    """Destination port."""

    kind: ClassVar[str] = "port"
    dst: int

    def compile(self, host: Host) -> Matcher:
        return lambda packet, flow: YES if packet.dport == self.dst else NO


class App(RuleKind):
    """Protocol by content."""

    kind: ClassVar[str] = "app"
    scope = "flow"
    name: str

    def asks(self) -> tuple[str, ...]:
        return ("app_proto",)

    def compile(self, host: Host) -> Matcher:
        def match(packet: Packet, flow: Flow) -> Answer:
            if flow.app_proto is None:
                return PENDING
            return YES if flow.app_proto == self.name else NO

        return match


class Flag(RuleKind):
    """A packet whose payload begins with an exclamation mark; asked for each packet."""

    kind: ClassVar[str] = "flag"
    scope = "packet"
    port: int = 0

    def concerns(self, flow: Flow) -> bool:
        return not self.port or flow.dport == self.port

    def compile(self, host: Host) -> Matcher:
        return lambda packet, flow: YES if packet.payload[:1] == b"!" else NO


class Always(RuleKind):
    """Every packet."""

    kind: ClassVar[str] = "always"

    def compile(self, host: Host) -> Matcher:
        return lambda packet, flow: YES


class Kinds:
    """Brings the rule kinds above."""

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        for kind in (Port, App, Flag, Always):
            register(kind)


MakeEngine = Callable[..., Engine]


@pytest.fixture
def make_engine() -> MakeEngine:
    """``make_engine(chains=..., plugins=[(name, object)], **configuration)``; events are appended to ``events``."""

    def make(
        plugins: list[tuple[str, Any]] | None = None,
        live: bool = False,
        events: list[dict[str, Any]] | None = None,
        **data: Any,
    ) -> Engine:
        config = Config.model_validate({"version": 1, **data})
        loaded = assemble(config, [("kinds", Kinds()), *(plugins or [])])
        return Engine(config, loaded, live=live, sink=[].append if events is None else events.append)

    return make
