"""``spa``: a port that opens to one authenticated datagram (single packet authorization)."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, ClassVar, Final, Self

from pydantic import Field, PrivateAttr, model_validator

from pywall_core.api import DROP, NO, UDP, Action, Answer, Flow, Matcher, Packet, PolicyFile

from .alerts import alert
from .authorization import genuine, read_secret, sent_at
from .grants import Grants, PortNumber, PortOpener

if TYPE_CHECKING:
    from pywall_core.api import Host

#: Authorizations remembered so that none works twice; only holders of the secret can fill this.
MAX_USED: Final = 65_536


class Spa(PortOpener):
    """Opens ``port`` to the source of a UDP datagram that proves knowledge of a shared secret (HMAC-SHA256 over time,
    nonce, address and port). Each datagram works once, from its own address, for ``skew`` seconds. ``pywall knock``
    sends it. All datagrams to ``listen`` are dropped without an answer."""

    kind: ClassVar[str] = "spa"

    secret_file: PolicyFile = Field(description="file with the shared secret, 16 bytes or more, not readable by others")
    listen: PortNumber = Field(default=62201, description="UDP port that the datagram is sent to")
    skew: float = Field(
        default=30.0, gt=0, le=600, description="seconds by which the clocks of both sides may differ at most"
    )

    _secret: bytes = PrivateAttr(default=b"")

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.protected == (UDP, self.listen):
            raise ValueError("'listen' is the protected port itself")
        self._secret = read_secret(self.secret_file)
        return self

    def concerns(self, flow: Flow) -> bool:
        return self.comes_in(flow) and (self.guards(flow) or (flow.proto == UDP and flow.dport == self.listen))

    def compile(self, host: Host) -> Matcher:
        grants = Grants(self.grant)
        grants.keep(host, f"spa {self.protected}")
        accepted = Authorizations(self._secret, self.protected, self.skew, time.time() if host.live else 0.0)
        live = host.live
        comes_in, guards, listen = self.comes_in, self.guards, self.listen

        def match(packet: Packet, flow: Flow) -> Answer | Action:
            if not comes_in(flow):
                return NO
            if guards(flow):
                return grants.answer(packet, flow)
            if packet.proto != UDP or packet.dport != listen or not packet.to_server:
                return NO
            if accepted.take(packet.payload, packet.src, time.time() if live else packet.time):
                grants.give(packet.src, packet.time)
                host.emit("alert", flow, packet, alert=alert("single packet authorization accepted"))
            else:
                host.count("spa.refused")
            return DROP

        return match


class Authorizations:
    """Takes each genuine datagram once. Those made before ``since`` are refused: what was used before a restart is not
    remembered."""

    def __init__(self, secret: bytes, protected: tuple[int, int], skew: float, since: float) -> None:
        self._secret = secret
        self._protected = protected
        self._skew = skew
        self._since = since
        self._used: dict[bytes, float] = {}

    def take(self, datagram: bytes, source: bytes, now: float) -> bool:
        """``now`` in Unix seconds. True: the source may be let in."""
        made = sent_at(datagram)
        if made is None or made < self._since or abs(now - made) > self._skew:
            return False
        if datagram in self._used or not genuine(datagram, self._secret, source, *self._protected):
            return False
        for old in [old for old, until in self._used.items() if until < now]:
            del self._used[old]
        if len(self._used) >= MAX_USED:
            return False
        self._used[datagram] = made + self._skew
        return True
