"""The contract of transaction parsers as a test class, and what a parser finds in a dialogue.

``TestHttp = transaction_contract(http, [conversation().client(b"GET / HTTP/1.1\\r\\n\\r\\n")])``
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..model.flow import Flow
from ..model.packet import TCP, UDP
from ..model.transaction import Ambiguous, Carried, HandOver, Transaction, TransactionParser
from .arrivals import Dialogue, cut_again, turns_of
from .cuts import Turns
from .flows import make_flow

#: most characters of a transaction's facts, and of a parser's state, written as JSON
MAX_FACTS = 65536
MAX_STATE = 49152


@dataclass(slots=True)
class FoundTransactions:
    """What a parser has found: facts of each complete transaction by number, where another protocol begins, and what it
    carries: by carrier, direction and ``Carried.body`` its bodies with their kinds (none at a hand-over).

    ``ambiguous`` are the reasons why receivers read it differently. They do not count in comparisons: some depend on
    which side's bytes come first.
    """

    complete: dict[int, dict[str, Any]] = field(default_factory=dict)
    ambiguous: set[str] = field(default_factory=set, compare=False)
    anomalies: set[tuple[int, str]] = field(default_factory=set)
    hand_over: HandOver | None = None
    carried: dict[tuple[str, bool, int], list[tuple[str, bytes]]] = field(default_factory=dict)


class _Fed:
    """A parser that is fed as the core does it."""

    def __init__(
        self, plugin: Any, transport: str, turns: Iterable[tuple[bool, bytes]] = (), carries: Iterable[str] = ()
    ) -> None:
        self._plugin = plugin
        self._carries = frozenset(carries)
        self._flow = _flow(transport, turns)
        self.parser = self._make_parser()
        self.found = FoundTransactions()
        self._behind = [b"", b""]

    def _make_parser(self) -> TransactionParser:
        made: Any = self._plugin.pywall_transactions(self._flow)
        assert made is not None, "pywall_transactions gave no parser"
        if self._carries and hasattr(made, "carries"):
            made.carries = self._carries
        parser: TransactionParser = made
        return parser

    @property
    def can_be_saved(self) -> bool:
        return hasattr(self.parser, "save")

    def replace_process(self) -> None:
        """Go on with a new parser that was told the state of this one."""
        before: Any = self.parser
        after: Any = self._make_parser()
        text = json.dumps(before.save())
        if len(text) <= MAX_STATE:
            after.load(json.loads(text))
            self.parser = after

    def save_after(self, turns: Turns) -> Any:
        """Return the state after the last of these turns that no hand-over follows."""
        parser: Any = self.parser
        for to_server, data in turns:
            before = parser.copy()
            self.feed(to_server, data)
            if self.found.hand_over is not None:
                parser = before
                break
        return json.loads(json.dumps(parser.save()))

    def load(self, saved: Any) -> None:
        """Give the parser a state, which it may refuse."""
        parser: Any = self.parser
        with suppress(ValueError, TypeError):
            parser.load(saved)

    def feed(self, to_server: bool, data: bytes) -> None:
        step = self.found.hand_over
        if step is not None:
            self._behind[to_server] += data if step.unwrap is None else step.unwrap.unwrap(to_server, data)
            return
        for one in self.parser.feed(to_server, data):
            assert self.found.hand_over is None, "something follows a HandOver"
            self._take(one)

    def feed_all(self, turns: Turns) -> FoundTransactions:
        for to_server, data in turns:
            self.feed(to_server, data)
        return self.end()

    def end(self) -> FoundTransactions:
        for one in self.parser.finish():
            self._take(one)
        step = self.found.hand_over
        if step is not None:
            client, server = step.client + self._behind[True], step.server + self._behind[False]
            self.found.hand_over = HandOver(client, server, step.inside)
            self.found.carried.clear()  # before a hand-over it is given as soon as it is there
        return self.found

    def _take(self, one: Transaction | HandOver | Carried | Ambiguous) -> None:
        if isinstance(one, Ambiguous):
            self.found.ambiguous.add(one.reason)
            return
        if isinstance(one, HandOver):
            self.found.hand_over = one
            return
        if isinstance(one, Carried):
            bodies = self.found.carried.setdefault((one.carrier, one.to_server, one.body), [])
            if one.offset == 0:
                bodies.append((one.kind, b""))
            kind, body = bodies[-1]
            assert one.offset == len(body), f"{one.carrier} goes on at {one.offset}, {len(body)} bytes were given"
            bodies[-1] = kind, body + one.data
            return
        assert isinstance(one, Transaction), f"{one!r} is neither Transaction nor HandOver"
        size = len(json.dumps(one.facts))
        assert size <= MAX_FACTS, f"{size} characters of facts"
        if one.anomaly:
            self.found.anomalies.add((one.number, one.anomaly))
        if one.complete:
            assert one.number not in self.found.complete, f"transaction {one.number} is complete twice"
            self.found.complete[one.number] = dict(one.facts)


def find_transactions(
    plugin: Any, dialogue: Dialogue | Turns, transport: str = "tcp", *, carries: Iterable[str] = ()
) -> FoundTransactions:
    """Feed a dialogue to the parser that ``plugin.pywall_transactions`` makes. Return what it finds.

    ``dialogue`` is a conversation, a pair of the client's and the server's bytes, or turns ``(to_server, data)``;
    ``carries`` are the carriers that rules ask about.
    """
    turns = dialogue if isinstance(dialogue, list) else turns_of(dialogue)
    return _Fed(plugin, transport, turns, carries).feed_all(turns)


def transaction_contract(
    plugin: Any,
    dialogues: Sequence[Dialogue],
    *,
    transport: str = "tcp",
    examples: int = 60,
    carries: Sequence[str] = (),
) -> type:
    """Make a test class that holds ``plugin`` to the contract of ``pywall_transactions``.

    ``dialogues`` are connections of its protocol as they should be, ``carries`` the carriers that rules ask about.
    Assign the result to a name that begins with ``Test``. Needs hypothesis; ``examples`` is how many inputs each
    property is tried on.
    """
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    good = [turns_of(dialogue) for dialogue in dialogues]
    tried = settings(
        max_examples=examples, deadline=None, report_multiple_bugs=False, suppress_health_check=[*HealthCheck]
    )

    arrivals = _arrivals(st, good, transport)
    states = st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inside: st.lists(inside, max_size=4) | st.dictionaries(st.text(max_size=9), inside, max_size=4),
        max_leaves=10,
    )
    noise = st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=600)), max_size=6)

    class TransactionContract:
        @tried
        @given(arrivals())
        def test_transactions_do_not_depend_on_chunks_and_order(self, both: tuple[Turns, Turns]) -> None:
            turns, mixed = both
            fed = _Fed(plugin, transport, turns, carries)
            assert fed.feed_all(mixed) == find_transactions(plugin, turns, transport, carries=carries)

        @tried
        @given(arrivals(), st.data())
        def test_a_copy_is_the_same_and_apart(self, both: tuple[Turns, Turns], data: Any) -> None:
            turns, mixed = both
            fed = _Fed(plugin, transport, turns, carries)
            for to_server, piece in mixed:
                if fed.found.hand_over is None:
                    kept = fed.parser.copy()
                    if data.draw(st.booleans()):  # a packet that was not accepted is forgotten
                        fed.parser.feed(to_server, piece)
                        fed.parser = kept
                    else:
                        kept.feed(not to_server, piece)
                fed.feed(to_server, piece)
            assert fed.end() == find_transactions(plugin, turns, transport, carries=carries)

        @tried
        @given(arrivals(), st.data())
        def test_another_process_goes_on(self, both: tuple[Turns, Turns], data: Any) -> None:
            turns, mixed = both
            fed = _Fed(plugin, transport, turns, carries)
            for to_server, piece in mixed:
                if fed.can_be_saved and fed.found.hand_over is None and data.draw(st.booleans()):
                    fed.replace_process()
                fed.feed(to_server, piece)
            assert fed.end() == find_transactions(plugin, turns, transport, carries=carries)

        @tried
        @given(arrivals(), states, st.data())
        def test_any_state_is_taken_or_refused(self, both: tuple[Turns, Turns], other: Any, data: Any) -> None:
            turns, mixed = both
            fed, after = (_Fed(plugin, transport, turns, carries) for _ in range(2))
            if not fed.can_be_saved:
                return
            saved = fed.save_after(mixed[: data.draw(st.integers(0, len(mixed)))])
            after.load(_changed(saved, other, lambda most: data.draw(st.integers(0, most))))

        @tried
        @given(arrivals(), noise)
        def test_any_input_is_taken(self, both: tuple[Turns, Turns], more: Turns) -> None:
            for turns in (more, both[1][: len(both[1]) // 2] + more):
                _Fed(plugin, transport, both[0], carries).feed_all(turns)

    return TransactionContract


def _flow(transport: str, turns: Iterable[tuple[bool, bytes]]) -> Flow:
    """Return a flow as the core shows it to ``pywall_transactions``: with the first bytes of both sides."""
    flow = make_flow(proto=UDP if transport == "udp" else TCP)
    state = flow.detection
    for to_server, data in turns:
        if to_server and not state.client:
            state.client, state.client_sizes = data, (len(data),)
        elif not to_server and not state.server:
            state.server, state.server_sizes = data, (len(data),)
    return flow


def _arrivals(st: Any, good: list[Turns], transport: str) -> Any:
    """Return the strategy for a dialogue, and the same bytes cut and interleaved in another way (datagrams stay as they
    are). ``st`` is hypothesis' module.
    """

    @st.composite  # type: ignore[untyped-decorator]
    def arrivals(draw: Any) -> tuple[Turns, Turns]:
        turns = draw(st.sampled_from(good))
        if transport == "udp":
            return turns, list(turns)
        sides = [cut_again(draw, st, [d for s, d in turns if s is side], transport) for side in (True, False)]
        mixed: Turns = []
        while sides[0] or sides[1]:
            to_server = bool(sides[0]) and (not sides[1] or draw(st.booleans()))
            mixed.append((to_server, sides[0 if to_server else 1].pop(0)))
        return turns, mixed

    return arrivals


def _changed(saved: Any, other: Any, choose: Callable[[int], int]) -> Any:
    """Return a state with one value of it, at any depth, replaced or left out; ``choose(most)`` draws 0 to most."""
    if not isinstance(saved, (dict, list)) or not saved or not choose(4):
        return other
    names: list[Any] = sorted(saved) if isinstance(saved, dict) else list(range(len(saved)))
    name = names[choose(len(names) - 1)]
    changed: Any = saved.copy()
    if choose(4):
        changed[name] = _changed(saved[name], other, choose)
    else:
        del changed[name]
    return changed
