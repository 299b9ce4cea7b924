"""An engine with one toy plugin: a rule with an effect, a rule that waits for a name, a veto, and a slow detector."""

from __future__ import annotations

from typing import Any

from pywall_core.api import MORE, NO, PENDING, Answer, Drop, Flow, Match, Matcher, Packet, RuleKind, hookimpl
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.packet.decode import decode
from pywall_core.plugins.loader import assemble
from pywall_core.testing import udp_packet


class Seen(RuleKind):
    """Counts the packets that it is asked about: a rule with an effect."""

    kind = "seen"
    scope = "packet"

    def compile(self, host: Any) -> Matcher:
        def match(packet: Packet, flow: Flow) -> Answer:
            host.count("seen")
            return NO

        return match


class Named(RuleKind):
    """Matches flows whose protocol is toy."""

    kind = "named"

    def asks(self) -> tuple[str, ...]:
        return ("app_proto",)

    def compile(self, host: Any) -> Matcher:
        def match(packet: Packet, flow: Flow) -> Answer:
            return PENDING if flow.app_proto is None else NO

        return match


class Toy:
    """Detects nothing before its third byte."""

    transport = "udp"

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        register(Seen)
        register(Named)

    @hookimpl
    def pywall_packet(self, packet: Packet, flow: Flow) -> Drop | None:
        return Drop("toy.no") if packet.payload == b"no" else None

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return MORE if len(client) < 3 else NO


def make(live: bool = True) -> Engine:
    config = Config.model_validate(
        {"chains": {"INPUT": [{"rule": "seen", "action": "DROP"}, {"rule": "named", "action": "DROP"}]}}
    )
    return Engine(config, assemble(config, [("toy", Toy())]), live=live)


def send(engine: Engine, number: int, payload: bytes = b"x", dport: int = 7) -> None:
    for n in range(number):
        engine.process(decode(udp_packet("192.0.2.1", 1000 + n, "192.0.2.2", dport, payload), 1.0 + n / 1000))
