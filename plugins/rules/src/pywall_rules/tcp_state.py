"""``tcp-state``: the state of a TCP connection at the local end, before the packet."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Final, Self

from pydantic import BeforeValidator, Field, WithJsonSchema, model_validator

from pywall_core.api import INPUT, NO, OUTPUT, TCP, YES, Answer, Flow, Matcher, Packet, RuleKind

from .one_or_many import OneOrMany

if TYPE_CHECKING:
    from pywall_core.api import Host

#: States by name. RFC 9293 section 3.3.2 takes "receive and answer" as one step; a firewall sees two packets, so states
#: that do both are split, and RFC's name stands for all parts.
STATES: Final[dict[str, frozenset[str]]] = {
    "CLOSED": frozenset({"CLOSED", "LISTEN"}),
    "LISTEN": frozenset({"CLOSED", "LISTEN"}),
    "SYN_RCVD": frozenset({"SYN_RCVD1", "SYN_RCVD2"}),
    "SYN_RECEIVED": frozenset({"SYN_RCVD1", "SYN_RCVD2"}),
    "SYN_SENT": frozenset({"SYN_SENT1", "SYN_SENT2", "SYN_SENT3"}),
    "ESTABLISHED": frozenset({"ESTABLISHED"}),
    "CLOSE_WAIT": frozenset({"CLOSE_WAIT1", "CLOSE_WAIT2"}),
    "LAST_ACK": frozenset({"LAST_ACK"}),
    "FIN_WAIT_1": frozenset({"FIN_WAIT_1"}),
    "FIN_WAIT_2": frozenset({"FIN_WAIT_2", "FIN_WAIT_3"}),
    "CLOSING": frozenset({"CLOSING", "CLOSING2"}),
    "TIME_WAIT": frozenset({"TIME_WAIT"}),
    **{
        name: frozenset({name})
        for name in (
            "SYN_RCVD1",
            "SYN_RCVD2",
            "SYN_SENT1",
            "SYN_SENT2",
            "SYN_SENT3",
            "CLOSE_WAIT1",
            "CLOSE_WAIT2",
            "FIN_WAIT_3",
            "CLOSING2",
        )
    },
}
_ALL: Final = frozenset().union(*STATES.values())
#: states that a connection does not return to once it is established
_OPENING: Final = STATES["CLOSED"] | STATES["SYN_RCVD"] | STATES["SYN_SENT"]


def _states(entry: Any) -> frozenset[str]:
    """Return the states that a name means. :raises ValueError: it is none"""
    if isinstance(entry, frozenset):
        return entry
    found = STATES.get(entry.upper().replace("-", "_")) if isinstance(entry, str) else None
    if found is None:
        raise ValueError(f"{entry!r} is not a TCP state{_form(entry)}")
    return found


def _form(entry: object) -> str:
    """Return what conntrack's words are here; else the states."""
    word = str(entry).upper()
    if word == "NEW":
        return ": for what others begin write {rule: flow, initiator: remote}"
    if word in ("RELATED", "INVALID", "UNTRACKED"):
        return ": a word of conntrack; for answers write {rule: flow, initiator: local}"
    return f" ({', '.join(sorted(STATES))})"


State = Annotated[frozenset[str], BeforeValidator(_states), WithJsonSchema({"enum": sorted(STATES)})]


class TcpState(RuleKind):
    """Matches TCP packets by the state that the connection was in *before* the packet, at the local end: the receiver's
    at INPUT, the sender's at OUTPUT, the server's at FORWARD. ``is: CLOSED`` with DROP refuses new inbound connections
    and lets the answers to outbound ones in. Names are those of RFC 9293 (``SYN-RECEIVED``) or their parts
    (``SYN_RCVD1``: SYN received, ``SYN_RCVD2``: and answered)."""

    kind: ClassVar[str] = "tcp-state"
    scope: ClassVar = "packet"
    requires: ClassVar[tuple[str, ...]] = ("tcp-state",)

    among: OneOrMany[State] | None = Field(default=None, alias="is", description="a state or a list: one of them")
    outside: OneOrMany[State] | None = Field(default=None, alias="not", description="a state or a list: none of them")

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if (self.among is None) == (self.outside is None):
            raise ValueError("exactly one of 'is' and 'not' is given")
        return self

    @property
    def wanted(self) -> frozenset[str]:
        """All states for which the answer is YES."""
        none: frozenset[str] = frozenset()
        return none.union(*self.among) if self.among is not None else _ALL.difference(*self.outside or ())

    def concerns(self, flow: Flow) -> bool:
        """Rules about the opening of connections are done with established ones, so their verdicts can be final."""
        if flow.proto != TCP:
            return False
        return not (
            self.wanted <= _OPENING and _established(flow.tcp.client_state) and _established(flow.tcp.server_state)
        )

    def compile(self, host: Host) -> Matcher:
        wanted = self.wanted

        def match(packet: Packet, flow: Flow) -> Answer:
            if packet.proto != TCP:
                return NO
            hook = packet.hook
            at_server = packet.to_server if hook == INPUT else not packet.to_server if hook == OUTPUT else True
            state = flow.tcp.server_state if at_server else flow.tcp.client_state
            return YES if (state or "CLOSED") in wanted else NO

        return match


def _established(state: str) -> bool:
    return bool(state) and state not in _OPENING
