"""Toy plugins and packets for tests that need an engine: a rule with an effect, a rule that waits for a name, a veto, a
slow detector, and protocols known by their first word.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pywall_core.api import MORE, NO, PENDING, Answer, Drop, Flow, Match, Matcher, Packet, RuleKind, hookimpl
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.packet.decode import decode
from pywall_core.plugins.loader import assemble
from pywall_core.testing import udp_packet

MakeEngine = Callable[..., Engine]
A, B = "10.0.0.1", "10.0.0.2"


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


def ask(data: bytes = b"", *, dport: int = 53, sport: int = 1000, time: float = 1.0, hook: int = 1) -> Packet:
    return decode(udp_packet(A, sport, B, dport, data), time, hook)


def answer(data: bytes = b"", *, sport: int = 53, dport: int = 1000, time: float = 1.0, hook: int = 3) -> Packet:
    return decode(udp_packet(B, sport, A, dport, data), time, hook)


def the_flow(engine: Engine) -> Flow:
    (flow,) = engine.flows
    return flow


class Word:
    """Detects a protocol by its first word."""

    transport = "udp"

    def __init__(self, protocol: str, word: bytes, **match: Any) -> None:
        self.protocols = (protocol,)
        self.word = word
        self.match = match
        self.asked = 0

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        self.asked += 1
        if client.startswith(self.word):
            return Match(self.protocols[0], **self.match)
        return MORE if self.word.startswith(client) else NO
