"""Follows a flow whose protocol has transactions: feeds its parser, and keeps what it finds until the verdict."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final, final

from ..calls.guard import Guard, Raised
from ..model.flow import Flow
from ..model.transaction import Ambiguous, Carried, Found, HandOver, Transaction, TransactionParser, Unwrapper
from .carriers import Carriers
from .following import Following, Unwrapping, is_unanswered

#: By another name, since mypyc makes of ``getattr`` with a default an exception that is raised and thrown away.
_get: Final[Callable[..., Any]] = getattr
#: Names of facts that are remembered with their protocol before them, for each protocol.
_KEPT_NAMES: Final = 256
#: Protocols around a flow's present one that are remembered.
_DEEPEST: Final = 8

#: A transaction with the protocol that it belongs to.
Due = tuple[str, Transaction]


@final
class Transactions:
    """Feeds the parsers of all flows.

    ``due`` holds what the present packet has brought, in order, until the packet has its verdict.
    """

    def __init__(self, guard: Guard, carriers: Carriers) -> None:
        self._guard = guard
        self._carriers = carriers
        self.due: list[Due] = []
        #: protocol and reason, where the present packet's bytes are ambiguous and a rule asks what they say
        self.ambiguous: tuple[str, str] | None = None
        #: facts that rules ask, and the protocols that these belong to
        self._asked: frozenset[str] = frozenset()
        self._asked_protocols: frozenset[str] = frozenset()
        #: names of facts with their protocol before them, by protocol: flows share them
        self._dotted: dict[str, dict[str, str]] = {}

    def ask_for(self, names: Iterable[str]) -> None:
        """Take the names of the facts that rules ask."""
        self._asked = frozenset(names)
        self._asked_protocols = frozenset(name.partition(".")[0] for name in self._asked)

    def begin(self, flow: Flow, plugin: str, make: Callable[[Flow], Any]) -> None:
        """Follow a flow whose name is known now, unless the plugin gives no parser for it."""
        state = flow.detection
        parser: Any = self._guard.ask(plugin, make, flow)
        if parser is None or type(parser) is Raised or state.app_proto is None:
            return
        if hasattr(parser, "asked"):
            prefix = _get(parser, "facts_of", state.app_proto) + "."
            asked = frozenset([name.removeprefix(prefix) for name in self._asked if name.startswith(prefix)])
            if type(self._guard.ask(plugin, setattr, parser, "asked", asked)) is Raised:
                return
        following: Any = self._guard.ask(plugin, _following, plugin, state.app_proto, parser, self._carriers.wanted)
        state.following = following if type(following) is Following else None

    def save(self, flow: Flow) -> Any:
        """Return the state of the flow's parser as plain data; None where it cannot tell it."""
        following: Following | None = flow.detection.following
        if following is None or flow.detection.unwrap or not hasattr(following.parser, "save"):
            return None
        saved: Any = self._guard.ask(following.plugin, _saved, following.parser)
        return None if type(saved) is Raised else saved

    def load(self, flow: Flow, saved: Any) -> bool:
        """Take the state of a parser into the new one of the flow. Return False if it does not fit: then the parser is
        of no use.
        """
        following: Following | None = flow.detection.following
        if following is None or saved is None or not hasattr(following.parser, "load"):
            return True
        try:
            following.parser.load(saved)
            following.began = following.own_facts
            following.confirmed = bool(following.parser.confirmed)
            following.unanswered = is_unanswered(following.parser)
        except (ValueError, TypeError):
            return False
        return True

    def feed(self, flow: Flow, to_server: bool, data: bytes) -> HandOver | None:
        """Give the next bytes (or a datagram) to the flow's parser. Returns the hand-over that they complete.

        Afterwards ``flow.detection.following`` is None when nothing can come any more.
        """
        state = flow.detection
        following: Following = state.following
        answer: Any = self._guard.ask3(following.plugin, _fed, following.parser, to_server, data)
        if type(answer) is Raised:
            state.following = None
            return None
        found: list[Found]
        found, over, following.confirmed, following.unanswered = answer
        for one in found:
            if isinstance(one, HandOver):
                if not one.inside and following.began:
                    self.note_ambiguity(following.facts_of, Ambiguous("contradiction"))
                if one.unwrap is not None:
                    state.unwrap = (*state.unwrap, Unwrapping(following.plugin, one.unwrap))
                self.due += self._finish(flow)
                return one
            if isinstance(one, Carried):
                self._carriers.classify(flow, one)
                continue
            if isinstance(one, Ambiguous):
                self.note_ambiguity(following.facts_of, one)
                continue
            self.due.append((following.facts_of, one))
            following.began = True
            flow.protocol_event_written = True  # each transaction has its own
        if over:
            self.due += self._finish(flow)
        return None

    def unwrap(self, flow: Flow, depth: int, to_server: bool, data: bytes) -> bytes:
        """Return the payload of the next bytes of a direction that have passed ``depth`` of the flow's unwrappers."""
        for each in flow.detection.unwrap[depth:]:
            if not data:
                break
            inside: Any = self._guard.ask3(each.plugin, _unwrapped, each.unwrapper, to_server, data)
            data = inside if type(inside) is bytes else b""
        return data

    def skip(self, flow: Flow, to_server: bool, size: int) -> None:
        """Bytes of a direction are missing. Afterwards the flow has no parser if it cannot go on."""
        state = flow.detection
        following: Following = state.following
        if state.unwrap or not self._survives(following.plugin, following.parser, to_server, size):
            if flow.inherited:  # half a request may have passed while it was handed over, and this is the other half
                self.note_ambiguity(following.facts_of, Ambiguous("gap"))
            self.due += self._finish(flow)

    def survives(self, flow: Flow, to_server: bool, size: int) -> bool:
        """Return True if the flow's parser, where it has one, could go on without ``size`` bytes of a direction."""
        following: Following | None = flow.detection.following
        if following is None:
            return True
        return self._survives(following.plugin, following.copy().parser, to_server, size)

    def _survives(self, plugin: str, parser: TransactionParser, to_server: bool, size: int) -> bool:
        """Tell a parser that bytes are missing. Return True if it can go on."""
        answer: Any = self._guard.ask3(plugin, _survives_gap, parser, to_server, size)
        return answer is True

    def note_ambiguity(self, protocol: str, what: Ambiguous) -> None:
        """Note what is ambiguous, where a rule asks for something that depends on it."""
        if what.facts:
            asked = any(f"{protocol}.{name}" in self._asked for name in what.facts)
        else:
            asked = protocol in self._asked_protocols
        if asked or (what.hides_inner and self._asked):
            self.ambiguous = protocol, what.reason

    def take(self) -> list[Due]:
        """Return what is due, which is then done with."""
        due, self.due = self.due, []
        return due

    def forget_due(self) -> None:
        """Nothing is due, and nothing ambiguous: what has been fed belongs to no packet of this process."""
        self.due = []
        self.ambiguous = None

    def end(self, flow: Flow) -> list[Due]:
        """Nobody follows the flow any more. Return the transactions that have no event yet, as they are."""
        self.ambiguous = None  # no packet brings it, and the next one is another flow's
        if flow.detection.following is None and not self.due:  # so it is for most flows
            return []
        return self.take() + self._finish(flow)

    def apply(self, flow: Flow, protocol: str, transaction: Transaction) -> None:
        """The facts of a transaction replace those of the one before."""
        state = flow.detection
        facts: dict[str, Any] = {}
        if state.facts:
            prefix = protocol + "."
            carried = self._carriers.facts
            for name, value in state.facts.items():
                if not name.startswith(prefix) or name in carried:
                    facts[name] = value
        names = self._names_of(protocol)
        for name, value in transaction.facts.items():
            facts[names.get(name) or self.dotted(protocol, name)] = value
        state.facts = facts

    def dotted(self, protocol: str, name: str) -> str:
        """Return ``protocol.name``, one text for all flows."""
        names = self._names_of(protocol)
        dotted = names.get(name)
        if dotted is None:
            dotted = f"{protocol}.{name}"
            if len(names) < _KEPT_NAMES:
                names[name] = dotted
        return dotted

    def _names_of(self, protocol: str) -> dict[str, str]:
        names = self._dotted.get(protocol)
        if names is None:
            names = self._dotted[protocol] = {}
        return names

    def _finish(self, flow: Flow) -> list[Due]:
        state = flow.detection
        following: Following | None = state.following
        if following is None:
            return []
        state.following = None
        left: Any = self._guard.ask(following.plugin, _finished, following.parser)
        return [] if type(left) is Raised else [(following.facts_of, transaction) for transaction in left]


def _saved(parser: Any) -> Any:
    return parser.save()


def _following(plugin: str, protocol: str, parser: Any, wanted: frozenset[str]) -> Following | None:
    """Return what follows a flow by the parser, None where that says at once that nothing can come."""
    if wanted and hasattr(parser, "carries"):
        parser.carries = wanted
    facts_of: str = _get(parser, "facts_of", protocol)
    return None if parser.over else Following(plugin, protocol, facts_of, parser)


def _fed(parser: TransactionParser, to_server: bool, data: bytes) -> tuple[list[Found], bool, bool, bool]:
    """Feed a parser. Return what it has found, whether nothing can come any more, whether both sides have spoken, and
    whether one has and waits for its answer.

    :raises TypeError: it has found what it must not; and whatever the parser raises
    """
    found = list(parser.feed(to_server, data))
    for one in found:
        _check(one)
    return found, bool(parser.over), bool(parser.confirmed), is_unanswered(parser)


def _survives_gap(parser: TransactionParser, to_server: bool, size: int) -> bool:
    return bool(parser.gap(to_server, size))


def _unwrapped(unwrapper: Unwrapper, to_server: bool, data: bytes) -> bytes:
    inside = unwrapper.unwrap(to_server, data)
    if type(inside) is not bytes:
        raise TypeError(f"unwrap gave {type(inside).__name__}")
    return inside


def _finished(parser: TransactionParser) -> list[Transaction]:
    left = list(parser.finish())
    for one in left:
        if type(one) is not Transaction:
            raise TypeError(f"finish gave {type(one).__name__}, not Transaction")
        _check(one)
    return left


def _check(one: Any) -> None:
    if isinstance(one, Transaction):
        if type(one.facts) is dict:
            return
    elif isinstance(one, HandOver):
        if type(one.client) is bytes and type(one.server) is bytes:
            return
    elif isinstance(one, Carried):
        if type(one.data) is bytes:
            return
    elif isinstance(one, Ambiguous):
        return
    raise TypeError(f"a parser gave {one!r:.100}")


def set_back(flow: Flow, *, inside: bool) -> None:
    """Set the flow back to where no byte of what begins now was seen.

    ``inside``: it is carried by the present protocol. Otherwise the present protocol's name is withdrawn.
    """
    state = flow.detection
    name = state.app_proto
    if name is not None and inside:
        state.app_proto_outer = (*state.app_proto_outer, name)[-_DEEPEST:]
    elif name is not None:
        state.app_proto_orig = state.app_proto_orig or name
        state.app_proto = None
        state.confirmed = False
    state.opaque = inside
    state.done = flow.protocol_event_written = False
    state.client = state.server = b""
    state.client_sizes = state.server_sizes = state.cuts = ()
    state.match = state.following = None
    state.match_bit = state.opening = 0
