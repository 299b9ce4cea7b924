"""One check for the messages of both directions, and the flow's answer from it.

A check gets the bytes of one datagram, or of one direction of a stream, and gives the facts of a message that holds
(possibly none: ``{}``), NO, or, of a stream only, MORE.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match

from .wire import first_datagram, two_sided

Said: TypeAlias = dict[str, Any] | Answer
Check = Callable[[bytes], Said]


def by_datagram(protocol: str, check: Check, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """The client's first datagram decides; the server's first one confirms."""
    if not client:
        return MORE
    facts = check(client[: flow.client_sizes[0]])
    if not isinstance(facts, dict):
        return NO
    if not server:
        return Match(protocol, facts, confirmed=False, done=False)
    return Match(protocol, facts, confirmed=isinstance(check(server[: flow.server_sizes[0]]), dict))


def by_request(
    protocol: str,
    ask: Check,
    answers: Callable[[bytes, bytes], Answer],
    flow: Flow,
    client: bytes,
    server: bytes,
    *,
    needs_answer: bool = False,
) -> Match | Answer:
    """The client's request decides, an answer that fits it confirms; over UDP the first datagram of each.

    ``answers`` gets the request and what the server said, and says YES, NO or MORE. With ``needs_answer`` the request
    alone is too little for a name.
    """
    if flow.proto == UDP:
        client, server = first_datagram(client, flow.client_sizes), first_datagram(server, flow.server_sizes)
    if not client:
        return MORE
    facts = ask(client)
    if not isinstance(facts, dict):
        return NO if flow.proto == UDP else facts
    answer = answers(client, server) if server else MORE
    if answer is YES:
        return Match(protocol, facts)
    return answer if needs_answer else Match(protocol, facts, confirmed=False, done=answer is NO)


def by_beacon(protocol: str, check: Check, flow: Flow, client: bytes) -> Match | Answer:
    """The first datagram decides. Nobody answers, or need not, so that it is never confirmed."""
    if not client:
        return MORE
    facts = check(client[: flow.client_sizes[0]])
    return Match(protocol, facts, confirmed=False) if isinstance(facts, dict) else NO


def by_stream(protocol: str, check: Check, client: bytes, server: bytes) -> Match | Answer:
    """The beginning of either direction decides; the other one confirms. The client's facts go first."""
    client_says: Said = check(client) if client else MORE
    server_says: Said = check(server) if server else MORE
    facts: dict[str, Any] = {}
    if isinstance(server_says, dict):
        facts = server_says
        server_says = YES
    if isinstance(client_says, dict):
        facts = client_says
        client_says = YES
    return two_sided(protocol, client_says, server_says, facts)


def by_message(protocol: str, check: Check, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """For protocols that send the same messages over UDP and TCP."""
    if flow.proto == UDP:
        return by_datagram(protocol, check, flow, client, server)
    return by_stream(protocol, check, client, server)
