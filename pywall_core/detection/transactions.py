"""Follows a flow whose protocol has transactions: feeds its parser, and keeps what was found until it is judged."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, final

from ..model.flow import Flow
from ..model.transaction import HandOver, Transaction, TransactionParser
from .classifiers import OnError

#: Names of facts that are remembered with their protocol before them, for each protocol.
_KEPT_NAMES: Final = 256
#: Protocols around a flow's present one that are remembered.
_DEEPEST: Final = 8

#: A transaction with the protocol that it belongs to.
Found = tuple[str, Transaction]


@final
class Following:
    """A flow's parser, the plugin that made it, and the protocol that it follows.

    ``own_facts``: the protocol's facts are those of its transactions. ``began``: one was found, until then these facts
    are open.
    """

    __slots__ = ("began", "own_facts", "parser", "plugin", "prefix", "protocol")

    def __init__(self, plugin: str, protocol: str, parser: TransactionParser, began: bool = False) -> None:
        self.plugin = plugin
        self.protocol = protocol
        self.prefix = protocol + "."
        self.parser = parser
        self.began = began
        self.own_facts = parser.has_transactions

    def copy(self) -> Following:
        """Return the same state once more."""
        return Following(self.plugin, self.protocol, self.parser.copy(), self.began)


@final
class Transactions:
    """Feeds the parsers of all flows.

    ``due`` holds what the present packet has brought, in order, until the packet is judged.
    """

    def __init__(self, on_error: OnError) -> None:
        self._on_error = on_error
        self.due: list[Found] = []
        #: names of facts with their protocol before them, by protocol: flows share them
        self._dotted: dict[str, dict[str, str]] = {}

    def begin(self, flow: Flow, plugin: str, make: Callable[[Flow], Any]) -> None:
        """Follow a flow whose name is known now, unless the plugin gives no parser for it."""
        parser = self._call(plugin, flow, make, flow)
        if parser is not None and flow.app_proto is not None:
            flow.following = Following(plugin, flow.app_proto, parser)

    def feed(self, flow: Flow, to_server: bool, data: bytes) -> HandOver | None:
        """Give the next bytes (or a datagram) to the flow's parser. Returns the hand-over that they complete.

        Afterwards ``flow.following`` is None when nothing can come any more.
        """
        following: Following = flow.following
        parser = following.parser
        found = self._call(following.plugin, flow, parser.feed, to_server, data)
        if found is None:
            flow.following = None
            return None
        for one in found:
            if type(one) is HandOver:
                self.due += self._finish(flow)
                return one
            self.due.append((following.protocol, one))
            following.began = True
            flow.protocol_event_written = True  # each transaction has its own
        if parser.over:
            self.due += self._finish(flow)
        return None

    def skip(self, flow: Flow, to_server: bool, size: int) -> None:
        """Bytes of a direction are missing. Afterwards ``flow.following`` is None when its parser cannot go on."""
        following: Following = flow.following
        if not self._call(following.plugin, flow, following.parser.gap, to_server, size):
            self.due += self._finish(flow)

    def survives(self, flow: Flow, to_server: bool, size: int) -> bool:
        """Return True if the flow's parser, where it has one, could go on without ``size`` bytes of a direction."""
        following: Following | None = flow.following
        if following is None:
            return True
        return bool(self._call(following.plugin, flow, following.parser.copy().gap, to_server, size))

    def take(self) -> list[Found]:
        """Return what is due, which is then done with."""
        due, self.due = self.due, []
        return due

    def end(self, flow: Flow) -> list[Found]:
        """Nobody follows the flow any more. Return the transactions that have no event yet, as they are."""
        return self.take() + self._finish(flow)

    def apply(self, flow: Flow, protocol: str, transaction: Transaction) -> None:
        """The facts of a transaction replace those of the one before."""
        prefix = protocol + "."
        facts = {name: value for name, value in flow.facts.items() if not name.startswith(prefix)}
        for name, value in transaction.facts.items():
            facts[self.dotted(protocol, name)] = value
        flow.facts = facts

    def dotted(self, protocol: str, name: str) -> str:
        """Return ``protocol.name``, one text for all flows."""
        names = self._dotted.get(protocol)
        if names is None:
            names = self._dotted[protocol] = {}
        dotted = names.get(name)
        if dotted is None:
            dotted = f"{protocol}.{name}"
            if len(names) < _KEPT_NAMES:
                names[name] = dotted
        return dotted

    def _finish(self, flow: Flow) -> list[Found]:
        following: Following | None = flow.following
        if following is None:
            return []
        flow.following = None
        left = self._call(following.plugin, flow, following.parser.finish)
        return [(following.protocol, transaction) for transaction in left or ()]

    def _call(self, plugin: str, flow: Flow, call: Callable[..., Any], *args: Any) -> Any:
        """Return what the plugin's call returns, None when it raises."""
        try:
            return call(*args)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit() in a plugin is the plugin's failure, not ours
            self._on_error(plugin, flow, error)
            return None


def set_back(flow: Flow, *, inside: bool) -> None:
    """Set the flow back to where no byte of what begins now was seen.

    ``inside``: it is carried by the present protocol. Otherwise the present protocol's name is withdrawn.
    """
    name = flow.app_proto
    if name is not None and inside:
        flow.app_proto_outer = (*flow.app_proto_outer, name)[-_DEEPEST:]
    elif name is not None:
        flow.app_proto_orig = flow.app_proto_orig or name
        flow.app_proto = None
        flow.confirmed = False
    flow.opaque = inside
    flow.detect_done = flow.protocol_event_written = False
    flow.client = flow.server = b""
    flow.client_sizes = flow.server_sizes = flow.cuts = ()
    flow.match = flow.following = None
    flow.match_bit = 0
