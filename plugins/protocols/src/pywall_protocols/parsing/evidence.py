"""What two directions together prove: graded evidence of each, one answer from both.

A grade is an interval: the evidence that a direction gives now, and the most that it may still come to. 0 is none, 1 a
hint that needs the other side's, 2 a proof. With more bytes the interval only narrows, so an answer made of two of
them never changes, however the bytes were cut and whichever side came first.
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Match

Grade = tuple[int, int]
REFUTED: Final[Grade] = (0, 0)
OPEN: Final[Grade] = (0, 2)
HINT: Final[Grade] = (1, 1)
LEANING: Final[Grade] = (1, 2)
PROOF: Final[Grade] = (2, 2)


def judge(
    protocol: str,
    client: Grade,
    server: Grade,
    facts: dict[str, Any] | None = None,
    *,
    done: bool = True,
    restart: tuple[int, int] | None = None,
    proved: bool = True,
) -> Match | Answer:
    """Return one answer from both grades: a proof or two hints make a Match, NO is said when neither can come any more.

    The Match is confirmed when both sides speak the protocol and, besides, ``proved`` is true.
    """
    (c, c_most), (s, s_most) = client, server
    if c == 2 or s == 2 or (c and s):
        confirmed = bool(c and s) and proved
        settled = confirmed or not (c_most and s_most)
        return Match(protocol, facts or {}, confirmed, restart is not None or (done and settled), restart)
    return MORE if c_most == 2 or s_most == 2 or (c_most and s_most) else NO


def by_client(
    protocol: str,
    client: Grade,
    server: Grade,
    facts: dict[str, Any] | None = None,
    *,
    done: bool = True,
    restart: tuple[int, int] | None = None,
    proved: bool = True,
) -> Match | Answer:
    """As :func:`judge`, where the client speaks first: nothing is decided without it, all is over when it is wrong."""
    if client[0]:
        return judge(protocol, client, server, facts, done=done, restart=restart, proved=proved)
    return MORE if client[1] else NO


def by_server(protocol: str, client: Grade, server: Grade, *, silent: bool, proved: bool = True) -> Match | Answer:
    """As :func:`judge`, where the server speaks first: a client that says what none of its clients could ends it.

    The greeting of a server that is ``silent`` so far need not be waited for then. A greeting that came in time counts.
    """
    return NO if silent and client == REFUTED else judge(protocol, client, server, proved=proved)


def magic(data: bytes, *magics: bytes) -> Grade:
    """PROOF when ``data`` begins with one of ``magics``, OPEN while it is a beginning of one, else REFUTED."""
    if data.startswith(magics):
        return PROOF
    for value in magics:
        if value.startswith(data):
            return OPEN
    return REFUTED
