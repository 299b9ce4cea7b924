"""What the shapes are made of: sessions, the registry of shapes, and the ways in which a tunnel is used.

A shape is a function of a seeded random generator that returns a session. Nothing here is used by the training of the
classifier: the shapes measure it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Literal

Transport = Literal["tcp", "udp"]
#: a message's payload, its number in its direction from 0, and whether the client sends it: the bytes on the wire
Frame = Callable[[bytes, int, bool], bytes]
MakeFrame = Callable[[Random], Frame]

DATAGRAM = 1200
"""Bytes of payload of the largest datagram."""


@dataclass(slots=True)
class Session:
    """Application writes in order: ``(to_server, data)``. A write is one datagram, or one or more TCP segments."""

    transport: Transport = "tcp"
    turns: list[tuple[bool, bytes]] = field(default_factory=list)
    #: the connection is older than the firewall: no handshake is seen
    midstream: bool = False

    def client(self, *writes: bytes) -> Session:
        """Append writes of the client."""
        self.turns += [(True, data) for data in writes if data]
        return self

    def server(self, *writes: bytes) -> Session:
        """Append writes of the server."""
        self.turns += [(False, data) for data in writes if data]
        return self

    @property
    def size(self) -> int:
        """Bytes of payload, both directions."""
        return sum(len(data) for _, data in self.turns)


@dataclass(frozen=True, slots=True)
class Shape:
    """A named way to write bytes. ``covert``: ciphertext of no known protocol, to be blocked; else it must pass."""

    name: str
    family: str
    covert: bool
    make: Callable[[Random], Session]

    def sessions(self, count: int, seed: int) -> Iterator[Session]:
        """Yield ``count`` sessions that depend on ``seed`` and the name alone."""
        for number in range(count):
            yield self.make(Random(f"{seed}/{self.name}/{number}"))


SHAPES: dict[str, Shape] = {}


def add_shape(name: str, family: str, covert: bool, make: Callable[[Random], Session]) -> None:
    """Register a shape; raises ValueError for a duplicate name."""
    if name in SHAPES:
        raise ValueError(f"duplicate shape {name!r}")
    SHAPES[name] = Shape(name, family, covert, make)


def shape(family: str, *, covert: bool) -> Callable[[Callable[[Random], Session]], Callable[[Random], Session]]:
    """Decorator: register a function under its own name, underscores turned to hyphens."""

    def register(make: Callable[[Random], Session]) -> Callable[[Random], Session]:
        add_shape(make.__name__.replace("_", "-"), family, covert, make)
        return make

    return register


def log_uniform(rng: Random, low: int, high: int) -> int:
    """Return an integer from ``low`` to ``high`` whose logarithm is uniform."""
    return round(low * (high / low) ** rng.random())


SIZES: dict[str, tuple[int, int]] = {"small": (20, 300), "mixed": (40, 1400), "bulk": (1400, 8000)}


def message_sizes(rng: Random, total: int, low: int, high: int) -> Iterator[int]:
    """Yield sizes of messages from ``low`` to ``high`` bytes until they sum up to ``total``."""
    sent = 0
    while sent < total:
        size = log_uniform(rng, low, high)
        sent += size
        yield size


def add_framing(
    name: str, family: str, make: MakeFrame, transport: Transport = "tcp", sizes: tuple[int, int] | None = None
) -> None:
    """Register a covert dialogue in the framing that ``make`` returns for a flow."""
    add_shape(name, family, True, lambda rng: dialogue(rng, make(rng), transport, sizes=sizes))


def dialogue(
    rng: Random,
    frame: Frame,
    transport: Transport = "tcp",
    content: Callable[[int], bytes] | None = None,
    sizes: tuple[int, int] | None = None,
    total: tuple[int, int] = (3000, 60_000),
) -> Session:
    """Return a session of framed messages: mostly up, mostly down, or both ways; one or several messages a write.

    ``content(size)`` makes a message's payload, ciphertext if not given.
    """
    content = content or rng.randbytes
    low, high = sizes or SIZES[rng.choice(tuple(SIZES))]
    if transport == "udp":
        low, high = min(low, 800), min(high, DATAGRAM - 80)
    share = rng.choice((0.05, 0.5, 0.95))
    coalesce = transport == "tcp" and rng.random() < 0.3
    session = Session(transport)
    numbers = [0, 0]
    waiting: tuple[bool, bytes] | None = None
    for index, size in enumerate(message_sizes(rng, log_uniform(rng, *total), low, high)):
        to_server = index == 0 or (index > 1 and rng.random() < share)
        data = frame(content(size), numbers[to_server], to_server)
        numbers[to_server] += 1
        if waiting is not None and waiting[0] == to_server and coalesce and len(waiting[1]) < 1200:
            waiting = (to_server, waiting[1] + data)
            continue
        if waiting is not None:
            session.turns.append(waiting)
        waiting = (to_server, data)
    if waiting is not None:
        session.turns.append(waiting)
    return session


def transfer(data: bytes, asked: bytes = b"", answered: bytes = b"", *, by_client: bool = False) -> Session:
    """Return a session in which one side sends ``data`` raw over TCP, after a line of request and answer if given."""
    session = Session().client(asked).server(answered)
    return session.client(data) if by_client else session.server(data)
