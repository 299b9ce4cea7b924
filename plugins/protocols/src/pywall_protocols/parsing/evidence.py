"""What the bytes of one direction are evidence of, and one answer from the evidence of both.

A check gets what one direction has sent and gives :data:`Evidence`: the facts of a message of the protocol, or YES (a
proof without facts), NO, MORE, or a :class:`Hint`. With more bytes it only narrows, so an answer made of the evidence
of both directions never changes, however the bytes were cut and whichever side came first.

The shapes of detectors, each a function:

============================  =======================================================================================
:func:`client_first`          the client speaks first: nothing is decided without it
:func:`server_first`          the server speaks first: what the client sends in the meantime decides nothing
:func:`either_first`          either direction alone may prove it
:func:`alike`                 both sides send the same messages: either begins, the other one confirms
:func:`together`              both sides send the same messages, one of a side proves too little
:func:`by_stream`             as ``alike``, from one check of the beginning of a direction
:func:`by_datagram`           one check of the first datagram: the client's decides, the server's confirms
:func:`by_message`            ``by_datagram`` over UDP, ``by_stream`` over TCP
:func:`by_request`            the client's request decides, an answer that fits it confirms
:func:`by_beacon`             the first datagram decides, nobody need answer
============================  =======================================================================================
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from enum import Enum
from typing import Any, Final, NamedTuple, TypeAlias

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match

from .copies import Fits, is_answered
from .wire import datagrams, first_datagram


class Hint(Enum):
    """Less than a proof. Two hints, one of each direction, make a match; so does a proof of either."""

    #: may become a hint, never a proof
    WEAK = "weak"
    HINT = "hint"
    #: a hint that may become a proof
    LEANING = "leaning"


WEAK: Final = Hint.WEAK
HINT: Final = Hint.HINT
LEANING: Final = Hint.LEANING

Evidence: TypeAlias = dict[str, Any] | Answer | Hint
Check = Callable[[bytes], Evidence]


class Description(NamedTuple):
    """What a match says, its name apart: facts, whether more bytes bring no more of them, where another protocol
    begins, and what gives facts when they are needed (``restart`` and ``describe`` of :class:`pywall_core.api.Match`).
    """

    facts: dict[str, Any]
    done: bool = True
    restart: tuple[int, int] | None = None
    later: Callable[[], dict[str, Any]] | None = None


#: Gets the bytes of the client and of the server; asked for a match alone.
Describe = Callable[[bytes, bytes], Description]


# --- from the evidence of both directions -------------------------------------------------------------------------


def greetings(pattern: re.Pattern[bytes], fact: str) -> Describe:
    """Return what describes a protocol whose sides greet each other: group 1 of ``pattern``, as ``client_<fact>`` and
    ``server_<fact>``.
    """

    def describe(client: bytes, server: bytes) -> Description:
        facts: dict[str, Any] = {}
        for side, data in (("client", client), ("server", server)):
            if greeting := pattern.match(data):
                facts[f"{side}_{fact}"] = greeting[1].decode()
        return Description(facts)

    return describe


def client_first(
    protocol: str,
    client: Evidence,
    server: Evidence,
    describe: Describe | None = None,
    sent: bytes = b"",
    received: bytes = b"",
    *,
    proved: bool = True,
) -> Match | Answer:
    """Return the answer where the client speaks first: all is over when its bytes are those of another protocol.

    ``describe`` gets ``sent`` and ``received``, what the client and the server have said; without it the facts are
    those of the evidence. The match is confirmed when both sides speak the protocol and ``proved`` is true.
    """
    if client is NO:
        return NO
    if client is MORE or client is WEAK:
        return MORE
    return either_first(protocol, client, server, describe, sent, received, proved=proved)


def server_first(
    protocol: str,
    client: Evidence,
    server: Evidence,
    describe: Describe | None = None,
    sent: bytes = b"",
    received: bytes = b"",
    *,
    silent: bool,
    proved: bool = True,
) -> Match | Answer:
    """Return the answer where the server speaks first: a client that says what none of its clients could ends it.

    The greeting of a server that is ``silent`` so far need not be waited for then. A greeting that came in time counts.
    """
    if silent and client is NO:
        return NO
    return either_first(protocol, client, server, describe, sent, received, proved=proved)


def either_first(
    protocol: str,
    client: Evidence,
    server: Evidence,
    describe: Describe | None = None,
    sent: bytes = b"",
    received: bytes = b"",
    *,
    proved: bool = True,
) -> Match | Answer:
    """Return the answer where a proof of either side, or a hint of each, makes a match; NO when neither can come."""
    client_hints, server_hints = client is HINT or client is LEANING, server is HINT or server is LEANING
    client_proves = not (client_hints or client is MORE or client is NO or client is WEAK)
    server_proves = not (server_hints or server is MORE or server is NO or server is WEAK)
    if client_proves or server_proves:
        confirmed = proved and (client_proves or client_hints) and (server_proves or server_hints)
    elif client_hints and server_hints:
        confirmed = proved
    else:
        may_prove = client is MORE or client is LEANING or server is MORE or server is LEANING
        return MORE if may_prove or not (client is NO or server is NO) else NO
    settled = confirmed or client is NO or server is NO
    if describe is None:
        facts = client if isinstance(client, dict) else server if isinstance(server, dict) else {}
        return Match(protocol, facts, confirmed, settled)
    facts, done, restart, later = describe(sent, received)
    return Match(protocol, facts, confirmed, restart is not None or (settled and done), restart, describe=later)


def alike(protocol: str, client: Evidence, server: Evidence, *, proved: bool = True) -> Match | Answer:
    """Return the answer where both sides send the same messages, and hints count for nothing.

    Both prove it, and ``proved`` is true: confirmed. One does: a match that is not confirmed, for as long as the other
    side may still confirm it. A NO of either side before the other's proof is NO.
    """
    client_proves, server_proves = client is YES or isinstance(client, dict), server is YES or isinstance(server, dict)
    if client_proves or server_proves:
        facts = client if isinstance(client, dict) else server if isinstance(server, dict) else {}
        confirmed = proved and client_proves and server_proves
        return Match(protocol, facts, confirmed, confirmed or client is NO or server is NO)
    return NO if client is NO or server is NO else MORE


def goes_on(client: bytes, server: bytes, size: int) -> bool:
    """Return True unless a server has said nothing but a greeting of ``size`` bytes that is the client's as well: where
    both may greet with the same bytes, what follows tells a server from an echo.
    """
    both = min(len(client), len(server), size)
    return len(server) > size or client[:both] != server[:both]


def together(protocol: str, client: Evidence, server: Evidence) -> Match | Answer:
    """Return the answer where one side's messages are too little to go by: a match needs a proof of both."""
    if client is NO or server is NO:
        return NO
    match = alike(protocol, client, server)
    return match if isinstance(match, Match) and match.confirmed else MORE


# --- from one check -----------------------------------------------------------------------------------------------


def by_stream(protocol: str, check: Check, client: bytes, server: bytes, *, proved: bool = True) -> Match | Answer:
    """The beginning of either direction decides; the other one confirms. The client's facts go first."""
    return alike(protocol, check(client) if client else MORE, check(server) if server else MORE, proved=proved)


def by_datagram(
    protocol: str,
    check: Check,
    flow: Flow,
    client: bytes,
    server: bytes,
    fits: Fits | None = None,
    *,
    always: bool = False,
) -> Match | Answer:
    """The client's first datagram decides; the server's first one confirms, unless it is the same.

    With ``fits`` a datagram that nearly is one of the client's confirms only if it answers it, with ``always`` any
    other one as well; later ones may confirm.
    """
    if not client:
        return MORE
    first = client[: flow.client_sizes[0]]
    facts = check(first)
    if not isinstance(facts, dict):
        return NO
    if not server:
        return Match(protocol, facts, confirmed=False, done=False)
    answer = server[: flow.server_sizes[0]]
    holds = isinstance(check(answer), dict)
    if fits is None or not holds:
        return Match(protocol, facts, confirmed=holds and answer != first)
    asked, answers = datagrams(client, flow.client_sizes), datagrams(server, flow.server_sizes)
    confirmed = is_answered(_holding(check, asked), _holding(check, answers), fits, always=always)
    return Match(protocol, facts, confirmed, done=confirmed)


def _holding(check: Check, messages: Iterable[bytes]) -> Iterator[bytes]:
    return (each for each in messages if isinstance(check(each), dict))


def by_message(
    protocol: str, check: Check, flow: Flow, client: bytes, server: bytes, fits: Fits | None = None
) -> Match | Answer:
    """For protocols that send the same messages over UDP and TCP; of a stream ``fits`` gets all that was said."""
    if flow.proto == UDP:
        return by_datagram(protocol, check, flow, client, server, fits)
    return by_stream(protocol, check, client, server, proved=fits is None or not server or fits(client, server))


def by_request(
    protocol: str,
    ask: Check,
    answers: Callable[[bytes, bytes], Answer],
    flow: Flow,
    client: bytes,
    server: bytes,
    fits: Fits | None = None,
    *,
    needs_answer: bool = False,
) -> Match | Answer:
    """The client's request decides, an answer that fits it confirms; over UDP the first datagram of each.

    ``answers`` gets the request and what the server said, and says YES, NO or MORE. With ``needs_answer`` the request
    alone is too little for a name. With ``fits`` later datagrams may confirm where ``answers`` says MORE to the first:
    one that is nearly one of the client's only if it answers it.
    """
    asked, said = client, server
    if flow.proto == UDP:
        client, server = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
    if not client:
        return MORE
    facts = ask(client)
    if not isinstance(facts, dict):
        return MORE if facts is MORE and flow.proto != UDP else NO
    answer = answers(client, server) if server else MORE
    if server and answer is MORE and fits is not None:
        of_client = _holding(ask, datagrams(asked, flow.client_sizes))
        of_server = (each for each in datagrams(said, flow.server_sizes) if answers(client, each) is not NO)
        answer = YES if is_answered(of_client, of_server, fits) else MORE
    if answer is YES:
        return Match(protocol, facts)
    return answer if needs_answer else Match(protocol, facts, confirmed=False, done=answer is NO)


def by_beacon(protocol: str, check: Check, flow: Flow, client: bytes) -> Match | Answer:
    """The first datagram decides. Nobody answers, or need not, so that it is never confirmed."""
    if not client:
        return MORE
    facts = check(client[: flow.client_sizes[0]])
    return Match(protocol, facts, confirmed=False) if isinstance(facts, dict) else NO


def begins(data: bytes, *magics: bytes) -> Answer:
    """Return YES when ``data`` begins with one of ``magics``, MORE while it is a beginning of one, else NO."""
    if data.startswith(magics):
        return YES
    for value in magics:
        if value.startswith(data):
            return MORE
    return NO
