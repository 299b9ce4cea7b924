"""``flow``: who started it and with whom, and whether another flow announced it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from pywall_core.api import NO, YES, Answer, Flow, Matcher, Packet, RuleIndex, RuleKind

from .ip import Addresses
from .lists import one_or_more, text
from .port import Ports

if TYPE_CHECKING:
    from pywall_core.api import Host


def _labels(value: object) -> tuple[str, ...]:
    return tuple(text(entry) for entry in one_or_more(list(value) if isinstance(value, tuple) else value))


_LABELS = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}, "minItems": 1}]}


class FlowStart(RuleKind):
    """Matches all packets of a flow by what is known at its first: ``initiator: local`` is the rule for replies, "what
    this host began may be answered", for TCP, UDP and everything else alike; ``expected: ftp-data`` is the rule for
    connections that an FTP session has agreed on, ``expected: group-answer`` for UDP answers to what this host asked by
    multicast or broadcast in the last ten seconds (mDNS, SSDP, DHCP, WS-Discovery, NetBIOS), whoever answers.
    ``client``, ``server`` and ``port`` are the flow's, the same in both directions: one rule lets a service's requests
    and answers pass. What is given must hold."""

    model_config = ConfigDict(arbitrary_types_allowed=True)
    kind: ClassVar[str] = "flow"
    scope: ClassVar = "flow"

    initiator: Literal["local", "remote"] | None = Field(
        default=None, description="the side that sent the first packet"
    )
    expected: Annotated[tuple[str, ...] | None, BeforeValidator(_labels), WithJsonSchema(_LABELS)] = Field(
        default=None, description="what a confirmed flow of the same two hosts announced it as, group-answer, or a list"
    )
    older: bool | None = Field(default=None, description="true: the flow was open when the firewall started")
    client: Addresses | None = Field(
        default=None, description="the side that sent the first packet: an address or network, a list, or {file: PATH}"
    )
    server: Addresses | None = Field(
        default=None, description="the other side: an address or network, a list, or {file: PATH}"
    )
    port: Ports | None = Field(default=None, description='the server\'s port: a number, a range "1000-2000", or a list')

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        given = (self.initiator, self.expected, self.older, self.client, self.server, self.port)
        if all(value is None for value in given):
            raise ValueError("one of 'initiator', 'expected', 'older', 'client', 'server' and 'port' is needed")
        return self

    def expects(self) -> tuple[str, ...]:
        return self.expected or ()

    def index(self, host: Host) -> tuple[RuleIndex, ...]:
        found = [
            RuleIndex(("flow", name), look, ranges=part.ranges(), sets=tuple(host.sets[one] for one in part.named))
            for name, look, part in (
                ("client", _look_client, self.client),
                ("server", _look_server, self.server),
                ("port", _look_port, self.port),
            )
            if part is not None
        ]
        if self.expected is not None:
            found.append(RuleIndex(("flow", "expected"), lambda packet, flow: (flow.expected,), keys=self.expected))
        if self.initiator is not None:
            found.append(
                RuleIndex(("flow", "initiator"), lambda packet, flow: (flow.initiator,), keys=(self.initiator,))
            )
        if self.older is not None:
            found.append(RuleIndex(("flow", "older"), lambda packet, flow: (flow.older,), keys=(self.older,)))
        return tuple(found)

    def compile(self, host: Host) -> Matcher:
        initiator, expected, client, server = self.initiator, self.expected, self.client, self.server
        older = self.older
        has_port = None if self.port is None else self.port.has

        def match(packet: Packet, flow: Flow) -> Answer:
            if initiator is not None and flow.initiator != initiator:
                return NO
            if older is not None and flow.older is not older:
                return NO
            if client is not None and flow.src not in client:
                return NO
            if server is not None and flow.dst not in server:
                return NO
            if has_port is not None and not has_port(flow.dport):
                return NO
            return YES if expected is None or flow.expected in expected else NO

        return match


def _look_client(packet: Packet, flow: Flow) -> tuple[bytes]:
    return (flow.src,)


def _look_server(packet: Packet, flow: Flow) -> tuple[bytes]:
    return (flow.dst,)


def _look_port(packet: Packet, flow: Flow) -> tuple[int]:
    return (flow.dport,)
