"""Every way in which a dialogue is cut once or twice, and what may come behind it: no draw decides what is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import accumulate
from random import Random
from typing import NamedTuple

from ..model.flow import Flow
from ..model.packet import TCP, UDP
from ..model.verdict import MORE, NO, Answer, Match
from .flows import make_flow

Detect = Callable[[Flow, bytes, bytes], "Match | Answer"]
Turns = list[tuple[bool, bytes]]

#: bytes at the start of a direction that are all places to cut, then each so many; bytes around the end of a turn
_EACH = 160
_STEP = 61
_AROUND = 1
#: what a side may send next: the starts of other protocols, padding, text, noise
CONTINUATIONS = (
    b"\0",
    b"\xff" * 40,
    b"\n",
    b"\r\n\r\n",
    b" ",
    b"1" * 30,
    b"<html><body>a page</body></html>\n",
    b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    b"220 a\r\n",
    b"+OK\r\n",
    b"SSH-2.0-a\r\n",
    b"\x16\x03\x01\x02\x00",
    b"\0\0\0\x10" + b"a" * 12,
    b"a line of text, and so on\r\n" * 4,
    Random(1).randbytes(60),
)


class State(NamedTuple):
    """What both sides have sent, in the pieces in which it came."""

    client: tuple[bytes, ...]
    server: tuple[bytes, ...]

    @property
    def is_one_sided(self) -> bool:
        """Return True while one side is silent."""
        return not self.client or not self.server

    def __str__(self) -> str:
        return f"{sum(map(len, self.client))} bytes of the client and {sum(map(len, self.server))} of the server"


class Asked(NamedTuple):
    """A state with what a detector answers that is asked for the first time then."""

    state: State
    answer: Match | Answer


def neighbours(detect: Detect, turns: Turns, transport: str) -> Iterator[tuple[Asked, Asked]]:
    """Yield two states of a dialogue of which one side has said more in the second.

    Datagrams stay whole, each order of the two sides is there; of streams, each place near a start or the end of a
    turn is one to cut at.
    """
    for grid in _grids(turns, transport):
        asked = [[Asked(state, answer(detect, state, transport)) for state in row] for row in grid]
        for i, row in enumerate(asked):
            for j, one in enumerate(row):
                if i + 1 < len(asked):
                    yield one, asked[i + 1][j]
                if j + 1 < len(row):
                    yield one, row[j + 1]


def continued(detect: Detect, turns: Turns, transport: str) -> Iterator[tuple[Asked, Asked]]:
    """Yield a state with a Match or a NO, and the same with something behind it that does not belong there."""
    client, server = _sides(turns)
    if transport == "udp":
        states = [State(tuple(client[:i]), tuple(server[:j])) for i in range(len(client) + 1) for j in (0, len(server))]
    else:
        asks, says = b"".join(client), b"".join(server)
        lines = {at + 1 for at, byte in enumerate(asks[:_EACH]) if byte == ord("\n")}
        states = [
            State(_piece(asks[:i]), _piece(says[:j]))
            for i in sorted(_turn_ends(client) | lines)
            for j in _turn_ends(server)
        ]
    for state in states:
        before = Asked(state, answer(detect, state, transport))
        if before.answer is MORE:
            continue
        for more in CONTINUATIONS:
            for after in (State((*state.client, more), state.server), State(state.client, (*state.server, more))):
                yield before, Asked(after, answer(detect, after, transport))


def answer(detect: Detect, state: State, transport: str) -> Match | Answer:
    """Return what a detector says that is asked for the first time when all of this is there."""
    if not state.client and not state.server:
        return MORE
    client, server = b"".join(state.client), b"".join(state.server)
    flow = make_flow(proto=UDP if transport == "udp" else TCP, client=client, server=server)
    flow.detection.client_sizes = tuple(map(len, state.client))
    flow.detection.server_sizes = tuple(map(len, state.server))
    flow.pkts_toserver, flow.pkts_toclient = len(state.client), len(state.server)
    flow.detection.payload_seen = True
    said = detect(flow, client, server)
    return said.described() if isinstance(said, Match) else said


def stays(one: Match | Answer, other: Match | Answer) -> bool:
    """Return True if an answer stays with more bytes: NO is NO, a Match has its name and stays confirmed."""
    if one is NO:
        return other is NO
    if not isinstance(one, Match):
        return True
    return isinstance(other, Match) and other.protocol == one.protocol


def _grids(turns: Turns, transport: str) -> Iterator[list[list[State]]]:
    client, server = _sides(turns)
    if transport == "udp":
        yield [
            [State(tuple(client[:i]), tuple(server[:j])) for j in range(len(server) + 1)]
            for i in range(len(client) + 1)
        ]
        return
    asks, says = b"".join(client), b"".join(server)
    for rows, columns in ((_places(client), _turn_ends(server)), (_turn_ends(client), _places(server))):
        yield [[State(_piece(asks[:i]), _piece(says[:j])) for j in sorted(columns)] for i in sorted(rows)]


def _sides(turns: Turns) -> tuple[list[bytes], list[bytes]]:
    return [data for to_server, data in turns if to_server], [data for to_server, data in turns if not to_server]


def _piece(data: bytes) -> tuple[bytes, ...]:
    return (data,) if data else ()


def _turn_ends(pieces: list[bytes]) -> set[int]:
    return {0, *accumulate(map(len, pieces))}


def _places(pieces: list[bytes]) -> set[int]:
    """Return the lengths at which a direction is cut."""
    ends = _turn_ends(pieces)
    size = max(ends)
    near = {end + more for end in ends for more in range(-_AROUND, _AROUND + 1)}
    return {at for at in (*range(min(size, _EACH)), *range(0, size, _STEP), *near) if 0 <= at <= size}
