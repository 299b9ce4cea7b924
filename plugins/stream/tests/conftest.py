"""A TCP connection through a real engine with the tracker, sent segment by segment."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import pytest
from pydantic import Field
from pywall_stream.plugin import Stream
from pywall_stream.settings import StreamOptions

from pywall_core.api import (
    ACCEPT,
    ACK,
    INPUT,
    MORE,
    NO,
    OUTPUT,
    PENDING,
    SYN,
    YES,
    Answer,
    Flow,
    Match,
    Matcher,
    Packet,
    RuleKind,
    decode,
    hookimpl,
)
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.plugins.loader import assemble
from pywall_core.testing import tcp_packet

CLIENT = "192.0.2.1", 40000
SERVER = "198.51.100.2", 443


class Secret:
    """Detects a client whose first bytes are SECRET."""

    protocols = ("secret",)
    transport = "tcp"

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        if client.startswith(b"SECRET"):
            return Match("secret")
        return MORE if b"SECRET".startswith(client) else NO


class Kinds:
    """``is-secret`` for the protocol above; ``server-is`` for the server's state before the packet."""

    @hookimpl
    def pywall_rules(self, register: Callable[[type[RuleKind]], None]) -> None:
        class IsSecret(RuleKind):
            kind: ClassVar[str] = "is-secret"
            scope = "flow"

            def asks(self) -> tuple[str, ...]:
                return ("app_proto",)

            def compile(self, host: Any) -> Matcher:
                def match(packet: Packet, flow: Flow) -> Answer:
                    return PENDING if flow.app_proto is None else YES if flow.app_proto == "secret" else NO

                return match

        class ServerIs(RuleKind):
            kind: ClassVar[str] = "server-is"
            scope = "packet"
            wanted: str = Field(alias="in")

            def compile(self, host: Any) -> Matcher:
                return lambda packet, flow: YES if flow.tcp.server_state == self.wanted else NO

        class Payload(RuleKind):
            kind: ClassVar[str] = "begins"
            scope = "packet"
            text: str

            def compile(self, host: Any) -> Matcher:
                wanted = self.text.encode()
                return lambda packet, flow: YES if packet.payload.startswith(wanted) else NO

        for kind in (IsSecret, ServerIs, Payload):
            register(kind)


class Wire:
    """``client`` and ``server`` send one segment each and give the reason for which it was dropped, None if it passed.

    ``at`` is the offset in the sender's stream (0: right behind the SYN), ``ack`` how many bytes of the other side
    are acknowledged; both go on from where the side is by themselves.
    """

    def __init__(
        self, live: bool, options: dict[str, Any], detect: bool, listen: bool, settings: dict[str, Any]
    ) -> None:
        self.isn = {True: 1000, False: 5000}
        self.sent = {True: 0, False: 0}
        self.got: dict[bool, list[bytes]] = {True: [], False: []}
        self.gaps = 0
        self.addresses = CLIENT, SERVER
        self.options = b""
        self.time = 1000.0
        self.number = 0
        self.events: list[dict[str, Any]] = []
        never = [{"rule": "server-is", "in": "NO SUCH STATE", "action": "DROP"}]  # keeps verdicts from being final
        settings["chains"] = {"INPUT": never, "OUTPUT": never, **settings.get("chains", {})}
        config = Config.model_validate({"version": 1, **settings})
        self.stream = Stream(StreamOptions.model_validate(options))
        plugins: list[tuple[str, Any]] = [("kinds", Kinds()), ("stream", self.stream)]
        if listen:
            plugins.append(("recorder", self))
        if detect:
            plugins.append(("secret", Secret()))
        self.engine = Engine(config, assemble(config, plugins), live=live, sink=self.events.append)

    @hookimpl
    def pywall_segment(self, flow: Flow, to_server: bool, offset: int, data: bytes, gap: int) -> None:
        assert offset == sum(len(piece) for piece in self.got[to_server]) + gap + self.gaps
        self.gaps += gap
        self.got[to_server].append(data)

    @property
    def flow(self) -> Flow:
        (flow,) = self.engine.flows
        return flow

    @property
    def states(self) -> tuple[str, str]:
        return self.flow.tcp.client_state, self.flow.tcp.server_state

    def read(self, to_server: bool = True) -> bytes:
        return b"".join(self.got[to_server])

    def client(self, data: bytes = b"", **header: Any) -> str | None:
        return self.send(True, data, **header)

    def server(self, data: bytes = b"", **header: Any) -> str | None:
        return self.send(False, data, **header)

    def send(
        self,
        to_server: bool,
        data: bytes = b"",
        *,
        at: int | None = None,
        ack: int | None = None,
        flags: int = ACK,
        raw: Callable[[bytes], bytes] = bytes,
        **header: Any,
    ) -> str | None:
        position = self.sent[to_server] if at is None else at
        acked = self.sent[not to_server] if ack is None else ack
        mine, theirs = self.addresses if to_server else self.addresses[::-1]
        seq = (self.isn[to_server] + 1 + position) % 2**32
        number = (self.isn[not to_server] + 1 + acked) % 2**32 if flags & ACK else 0
        if flags & SYN:
            seq = (seq - 1) % 2**32
        header.setdefault("options", self.options)
        content = raw(tcp_packet(*mine, *theirs, seq=seq, ack=number, flags=flags, data=data, **header))
        if at is None:
            self.sent[to_server] = position + len(data)
        self.time += 0.001
        return self.put(content, INPUT if to_server else OUTPUT)

    def put(self, data: bytes, hook: int = INPUT) -> str | None:
        packet = decode(data, self.time, hook)
        self.number += 1
        packet.pcap_cnt = 0 if self.engine.live else self.number
        verdict = self.engine.process(packet)
        return None if verdict.action is ACCEPT else (verdict.rule or verdict.reason)

    def handshake(self, **header: Any) -> Wire:
        assert self.client(flags=SYN, **header) is None
        assert self.server(flags=SYN | ACK, **header) is None
        assert self.client(**header) is None
        assert self.states == ("ESTABLISHED", "ESTABLISHED")
        return self


MakeWire = Callable[..., Wire]


@pytest.fixture(scope="session")
def make_wire() -> MakeWire:
    """``make_wire(live=True, options={}, detect=False, listen=True, **configuration)``; the handshake is not sent yet.

    Without ``listen`` no plugin takes ordered bytes, and ``read`` stays empty.
    """

    def make(
        live: bool = True,
        options: dict[str, Any] | None = None,
        detect: bool = False,
        listen: bool = True,
        **settings: Any,
    ) -> Wire:
        return Wire(live, options or {}, detect, listen, settings)

    return make


@pytest.fixture
def wire(make_wire: MakeWire) -> Wire:
    """A live connection after its handshake."""
    return make_wire().handshake()
