"""``knock``: a port that opens to who knocks at the right doors in the right order.

Knocks are no secret to who sees them, and they can be sent in another's name: ``spa`` is the kind that withstands both.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pywall_core.api import ACK, DROP, NO, SYN, TCP, UDP, Action, Answer, Flow, Matcher, Packet

from .alerts import alert
from .grants import PROTOCOLS, Grants, PortNumber, PortOpener
from .ports import port_text

if TYPE_CHECKING:
    from pywall_core.api import Host

#: Sources kept at each stage of the sequence. A stage has its own table, so that a flood of first knocks in others'
#: names (who knows the first door can send them) forgets no source that is further on.
MAX_SOURCES: Final = 16_384

Door = tuple[int, int]


def _door(entry: Any) -> Door:
    number, slash, protocol = entry.partition("/") if isinstance(entry, str) else ("", "", "")
    if not slash or protocol.lower() not in PROTOCOLS:
        raise ValueError(f"{entry!r} is not a door: PORT/PROTOCOL, such as 7000/tcp or 8000/udp")
    return PROTOCOLS[protocol.lower()], port_text(number)


def _doors(value: Any) -> tuple[Door, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= 16:
        raise ValueError("should be a list of 1 to 16 doors")
    doors = tuple(_door(entry) for entry in value)
    for at in range(1, len(doors)):
        if doors[at] == doors[at - 1]:
            raise ValueError(f"{value[at]!r} twice in a row: the second could not be told from a retransmission")
    return doors


_SCHEMA = {"type": "array", "items": {"type": "string", "pattern": r"^\d+/(tcp|udp)$"}, "minItems": 1, "maxItems": 16}


class Knock(PortOpener):
    """Opens ``port`` to a source that sent a packet (a TCP SYN, a UDP datagram) to each of ``doors`` in order. Knocks
    are dropped without an answer; the open port gets the rule's ``action``, everything else goes on to the next rule.
    Any other connection attempt in between starts the sequence over and is a failure; after ``failures`` of them, each
    within ``lockout`` seconds of the last, the source's knocks are ignored for as long. A retransmission is neither a
    step nor wrong."""

    kind: ClassVar[str] = "knock"
    examples: ClassVar = ({"port": 22, "doors": ["7000/tcp", "8000/udp", "9000/tcp"]},)

    doors: Annotated[tuple[Door, ...], BeforeValidator(_doors), WithJsonSchema(_SCHEMA)] = Field(
        description="the doors in order, PORT/PROTOCOL: [7000/tcp, 8000/udp]"
    )
    src_port: PortNumber | None = Field(default=None, description="source port that knocks must come from")
    window: float = Field(default=15.0, gt=0, le=3600, description="seconds from one knock to the next at most")
    failures: int = Field(default=10, ge=1, le=1000, description="failed sequences after which a source is locked out")
    lockout: float = Field(default=60.0, ge=0, le=86_400, description="seconds that this lasts; 0: never lock out")

    @model_validator(mode="after")
    def _is_sound(self) -> Self:
        if self.protected in self.doors:
            raise ValueError("the protected port is one of the doors")
        return self

    def concerns(self, flow: Flow) -> bool:
        """Flows to a door or the port, and all that nobody has answered: a final verdict on a wrong door would hide the
        next try at it."""
        if not self.comes_in(flow):
            return False
        return self.guards(flow) or (flow.proto, flow.dport) in self.doors or flow.pkts_toclient == 0

    def compile(self, host: Host) -> Matcher:
        attempts = Attempts(self)
        grants = Grants(self.grant)
        grants.keep(host, f"knock {self.protected} {self.doors}")
        doors = frozenset(self.doors)
        comes_in, guards = self.comes_in, self.guards

        def match(packet: Packet, flow: Flow) -> Answer | Action:
            if not comes_in(flow):
                return NO
            if guards(flow):
                return grants.answer(packet, flow)
            if not packet.to_server or not _is_attempt(packet, flow):
                return NO
            door = (packet.proto, packet.dport)
            if attempts.knock(packet, door):
                grants.give(packet.src, packet.time)
                host.emit("alert", flow, packet, alert=alert("port knocking: sequence complete"))
            return DROP if door in doors else NO

        return match


def _is_attempt(packet: Packet, flow: Flow) -> bool:
    """A packet that would open something: a SYN, or a datagram to somebody who has not answered."""
    if packet.proto == TCP:
        return packet.flags & (SYN | ACK) == SYN
    return packet.proto == UDP and flow.pkts_toclient == 0


class Attempts:
    """How far each source has come, and how often it failed."""

    def __init__(self, rule: Knock) -> None:
        self._doors = rule.doors
        self._src_port = rule.src_port
        self._window = rule.window
        self._allowed = rule.failures
        self._lockout = rule.lockout
        # by number of knocks done (index 0 stays empty): source -> (until when, knocks seen)
        self._stages: list[dict[bytes, tuple[float, tuple[bytes, ...]]]] = [{} for _ in rule.doors]
        #: the knocks of the latest complete sequences, whose retransmissions are still under way
        self._complete: dict[bytes, tuple[float, tuple[bytes, ...]]] = {}
        self._failed: dict[bytes, tuple[float, int]] = {}

    def size(self) -> int:
        """Return entries kept, of all kinds."""
        return sum(map(len, self._stages)) + len(self._complete) + len(self._failed)

    def knock(self, packet: Packet, door: Door) -> bool:
        """Take one attempt of a source to open something; True when it completes the sequence."""
        source, now = packet.src, packet.time
        stage, seen = self._find(source, now)
        mark = packet.key + packet.seq.to_bytes(4, "big")
        expected = door == self._doors[stage] and self._src_port in (None, packet.sport)
        if mark in seen and not (expected and packet.proto == UDP):
            return False
        if self._lockout and self._locked(source, now):
            self._forget(source)
            return False
        if expected:
            self._forget(source)
            stage += 1
            if stage == len(self._doors):
                _keep(self._complete, source, (now + self._window, (*seen, mark)))
                return True
            _keep(self._stages[stage], source, (now + self._window, (*seen, mark)))
            return False
        if stage:
            self._forget(source)
            if door == self._doors[0] and self._src_port in (None, packet.sport):
                _keep(self._stages[1], source, (now + self._window, (mark,)))
            else:
                self._fail(source, now)
        return False

    def _find(self, source: bytes, now: float) -> tuple[int, tuple[bytes, ...]]:
        for number, stage in enumerate(self._stages):
            found = stage.get(source)
            if found is not None:
                if now < found[0]:
                    return number, found[1]
                del stage[source]
        found = self._complete.get(source)
        if found is not None and now < found[0]:
            return 0, found[1]
        return 0, ()

    def _forget(self, source: bytes) -> None:
        for stage in self._stages:
            stage.pop(source, None)

    def _fail(self, source: bytes, now: float) -> None:
        name = _network(source)
        until, count = self._failed.get(name, (0.0, 0))
        _keep(self._failed, name, (now + self._lockout, count + 1 if now < until else 1))

    def _locked(self, source: bytes, now: float) -> bool:
        until, count = self._failed.get(_network(source), (0.0, 0))
        return count >= self._allowed and now < until


def _network(source: bytes) -> bytes:
    """An IPv6 host has a whole /64 to knock from; its failures are counted together."""
    return source if len(source) == 4 else source[:8]


def _keep(table: dict[bytes, Any], name: bytes, value: Any) -> None:
    """Add as the youngest entry; the oldest makes room."""
    table.pop(name, None)
    if len(table) >= MAX_SOURCES:
        del table[next(iter(table))]
    table[name] = value
