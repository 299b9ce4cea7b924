"""Who may reach a protected port, and until when: what ``knock`` and ``spa`` have in common."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Final, Literal

from pydantic import BeforeValidator, Field

from pywall_core.api import NO, TCP, UDP, YES, Answer, Flow, Host, Packet, RuleKind

from .ports import port

#: Sources with a grant; beyond it the oldest grant ends early.
MAX_GRANTS: Final = 16_384

_EXT: Final = "rules.grants"
PROTOCOLS: Final = {"tcp": TCP, "udp": UDP}

PortNumber = Annotated[int, BeforeValidator(port)]


class PortOpener(RuleKind):
    """Base of kinds that open a port to a source for a limited time."""

    scope: ClassVar = "packet"
    state: ClassVar = "host"

    protocol: Literal["tcp", "udp"] = Field(default="tcp", description="transport protocol of the protected port")
    port: PortNumber = Field(description="the protected port")
    grant: float = Field(
        default=30.0, gt=0, le=86_400, description="seconds for which it is open; flows begun by then live on"
    )

    @property
    def protected(self) -> tuple[int, int]:
        return PROTOCOLS[self.protocol], self.port

    @staticmethod
    def comes_in(flow: Flow) -> bool:
        """Somebody else began the flow, or this host did towards itself."""
        if flow.tunnel is not None:  # whoever sends a tunnel's packets chooses the addresses inside
            return False
        return flow.initiator == "remote" or flow.src == flow.dst or (flow.version == 4 and flow.src[0] == 127)

    def guards(self, flow: Flow) -> bool:
        """Return True if the flow is one to the protected port."""
        return flow.dport == self.port and flow.proto == PROTOCOLS[self.protocol]


class Grants:
    """Grants by source address. Times are those of packets, so that nobody's clock can prolong one."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: dict[bytes, float] = {}
        #: flows that began under a grant, as another process knew them
        self._begun: set[bytes] = set()

    def __len__(self) -> int:
        return len(self._until)

    def give(self, source: bytes, now: float) -> None:
        self._until.pop(source, None)
        if len(self._until) >= MAX_GRANTS:
            del self._until[next(iter(self._until))]
        self._until[source] = now + self._seconds

    def keep(self, host: Host, name: str) -> None:
        """Have the grants, and the flows that began under one, survive a reload and a restart."""

        def save() -> list[Any]:
            begun = [flow.key.hex() for flow in host.flows if flow.ext and id(self) in flow.ext.get(_EXT, ())]
            left = [key.hex() for key in self._begun]
            return [{source.hex(): until for source, until in self._until.items()}, (begun + left)[-MAX_GRANTS:]]

        host.keep(f"rules.grants:{name}", save, self._load)

    def _load(self, state: Any) -> None:
        """Take over what another process has saved; raises when it is something else."""
        grants, begun = state
        for source, until in list(grants.items())[:MAX_GRANTS]:
            self._until[bytes.fromhex(source)] = float(until)
        self._begun |= {bytes.fromhex(key) for key in begun[:MAX_GRANTS]}

    def answer(self, packet: Packet, flow: Flow) -> Answer:
        """For a packet of a flow to the protected port: YES when the flow began under a grant."""
        marks: set[Any] | None = flow.ext.get(_EXT) if flow.ext else None
        if marks is not None and id(self) in marks:
            return YES
        if flow.inherited and flow.key in self._begun:
            self._begun.discard(flow.key)
            return self._mark(flow)
        if not packet.to_server:
            return NO
        until = self._until.get(packet.src)
        if until is None:
            return NO
        if packet.time >= until:
            del self._until[packet.src]
            return NO
        return self._mark(flow)

    def _mark(self, flow: Flow) -> Answer:
        if flow.ext is None:
            flow.ext = {}
        flow.ext.setdefault(_EXT, set()).add(id(self))
        return YES
