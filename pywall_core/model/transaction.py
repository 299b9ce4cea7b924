"""Transactions: the questions and answers that follow each other on one connection, and the parser that finds them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

_NO_FACTS: Final[dict[str, Any]] = {}


@dataclass(slots=True, init=False)
class Transaction:
    """One question with, once it has come, its answer.

    ``number`` counts from 0 within the protocol. A parser gives a transaction as soon as its question is complete, and
    again with the same number when the answer adds facts; ``facts`` are all that is known of it by then, named without
    the protocol (names may be dotted). ``complete``: nothing will be added, its event is written. ``anomaly`` names
    what cannot be right about it (``sni_changed``), "" where nothing is: an anomaly event is written.
    """

    number: int
    facts: dict[str, Any]
    complete: bool
    anomaly: str

    # written out, as each question and answer makes one: the generated one of a frozen class is never compiled
    def __init__(
        self, number: int, facts: dict[str, Any] = _NO_FACTS, complete: bool = False, anomaly: str = ""
    ) -> None:
        self.number = number
        self.facts = {} if facts is _NO_FACTS else facts
        self.complete = complete
        self.anomaly = anomaly


class Unwrapper(Protocol):
    """Takes what is carried out of the carrying protocol's frames. All of its state is its own."""

    def unwrap(self, to_server: bool, data: bytes) -> bytes:
        """Return the payload of the next bytes of a direction, which may be none."""

    def copy(self) -> Unwrapper:
        """Return the same state once more."""


@dataclass(slots=True, frozen=True)
class HandOver:
    """Another protocol begins: detection begins again with what follows.

    ``client`` and ``server`` are the bytes of each direction that were fed already and belong to what follows.
    ``inside``: the other protocol is carried inside this one (CONNECT, STARTTLS), whose name is in
    ``app_proto_outer``. Otherwise the bytes contradict this protocol, and its name is withdrawn. ``unwrap`` takes all
    later bytes out of their frames, where the other protocol does not have the connection to itself (WebSocket).
    """

    client: bytes = b""
    server: bytes = b""
    inside: bool = True
    unwrap: Unwrapper | None = None


@dataclass(slots=True, frozen=True)
class Carried:
    """Bytes that the protocol carries for somebody else: a body, a message's payload, for the hook ``pywall_carried``.

    ``carrier`` is what carries them (``http.body``), ``offset`` how many bytes of this body were given before: 0 begins
    another one. ``kind`` is the carrier's own word for them: content codings (``gzip``), a type of message. ``body``
    tells bodies apart that come at the same time (a stream of HTTP/2).
    """

    carrier: str
    to_server: bool
    data: bytes
    offset: int = 0
    kind: str = ""
    body: int = 0


@dataclass(slots=True, frozen=True)
class Ambiguous:
    """Receivers of the protocol differ in what they read here, so what follows is not known.

    ``reason`` says why in one word (``length``). Where a rule asks a fact that depends on it, ``failure.ambiguous``
    decides: by default the connection ends before the packet passes. ``facts`` are those that depend on it, named
    without the protocol; none: all of the protocol's. ``hides_inner``: a protocol that begins inside may be missed too.
    """

    reason: str
    facts: tuple[str, ...] = ()
    hides_inner: bool = False


Found = Transaction | HandOver | Carried | Ambiguous


class TransactionParser(Protocol):
    """Parser of one flow, made by the hook ``pywall_transactions``; it keeps all of its state in itself.

    What it finds does not depend on how the bytes are cut, nor on which direction's come first. Its memory and the
    work for each byte are bounded.

    One that can give :class:`Carried` has an attribute ``carries`` (a frozenset, empty at first). The core puts the
    names of the carriers there that rules ask about; for others nothing is given.

    One that follows a flow to its end for rules alone has an attribute ``asked``: the core puts there the names of its
    facts that rules ask, without the protocol (a frozenset).

    One whose questions may be long (an upload) has an attribute ``unanswered``: one side alone has spoken so far, and
    all that it said keeps to the protocol. Rules then wait for the answer, however long the question is.

    One that can go on in another process (a reload, a replaced worker) has ``save()``, which returns its state as plain
    data for JSON, at most 49,152 characters of it, and ``load(saved)``, which takes it into a new parser. ``saved`` may
    be anything; what it does not take raises ValueError or TypeError.
    """

    #: both sides were seen to speak the protocol
    confirmed: bool
    #: it finds transactions, whose facts are those of the protocol; False: hand-overs alone, facts are the detector's
    has_transactions: bool
    #: optional: the protocol whose facts and events its transactions have, where that is another one (``http`` for
    #: streams of HTTP/2); the detector has the same attribute
    # facts_of: str
    #: no other transaction and no hand-over can come on this connection
    over: bool

    def feed(self, to_server: bool, data: bytes) -> Sequence[Found]:
        """Return what these bytes complete, in order. ``data`` is the next bytes of a direction, or one datagram.

        Nothing follows a :class:`HandOver`, and the parser is not called again.
        """

    def gap(self, to_server: bool, size: int) -> bool:
        """``size`` bytes of a direction are missing (a capture has lost them). Return whether the parser can go on."""

    def finish(self) -> Sequence[Transaction]:
        """Return the transactions that are still open; no bytes will come."""

    def copy(self) -> TransactionParser:
        """Return a parser in the same state: the core goes back to it when a packet is not accepted."""
