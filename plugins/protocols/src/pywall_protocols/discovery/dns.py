"""DNS over UDP and TCP, multicast DNS and LLMNR: one message format.

Which of the three it is is told by the group address that the flow is sent to (RFC 6762, RFC 4795), else by what only
mDNS has: id 0 and a name under ``.local``. A unicast LLMNR message looks like one of DNS.

:checked: header (operation, counts against size), every question's name, type and class, and every record of the first
    message as far as it goes; of a damaged one a recursive query's header, a question of host name labels, the end of a
    plain query's or a record that points back to it, or any header where it is sent to the group of mDNS or LLMNR, else
    the next datagram, up to the third; over TCP the length before it. A NetBIOS name (32 letters A to P) is none
:source: RFC 1035 section 4; RFC 2136; RFC 6762 section 18; RFC 4795 section 2.1; RFC 7766 section 8
:minimum: one datagram of 17 bytes; over TCP 19 bytes
:facts: rrname, name_length, name_entropy, rrtype, rcode, answers
"""

from __future__ import annotations

from functools import partial
from itertools import islice
from typing import Any, Final

from pywall_core.api import MORE, NO, TCP, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.dns_damage import worth_waiting
from ..parsing.dns_message import UPDATE, add_facts, asks, grade_message, header_fits, skip_name
from ..parsing.wire import cut, datagrams, u16
from ..transactions.dns import SHORT, DnsTransactions

api_version = 1
protocols = ("dns", "mdns", "llmnr")
transport = ("tcp", "udp")
tier = "structural"
first_client = first_server = None
#: what later answers say counts for rules (``dns.answered``), so flows stay where they are seen
announces = ("dns-answer",)
#: servers pass over what is no query and answer the next datagram of the same socket
begins_again = asks

MDNS_GROUPS: Final = (bytes([224, 0, 0, 251]), bytes.fromhex("ff02" + "00" * 13 + "fb"))
LLMNR_GROUPS: Final = (bytes([224, 0, 0, 252]), bytes.fromhex("ff02" + "00" * 11 + "010003"))
_MOST_DAMAGED: Final = 3  # datagrams of a side before it is given up
_MOST_COMPARED: Final = 8  # messages of a side that are looked through for a question or its answer
_PATIENCE: Final = 4096  # bytes of a message over TCP that are waited for


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DNS, mDNS and LLMNR."""
    if flow.proto == TCP:
        client_says, asked = _over_tcp(client)
        server_says, answered = _over_tcp(server)
    else:
        to_group = flow.dst in MDNS_GROUPS or flow.dst in LLMNR_GROUPS
        client_says, asked = _over_udp(client, flow.client_sizes, to_group=to_group)
        server_says, answered = _over_udp(server, flow.server_sizes, asked)
    if client_says is not YES and server_says is not YES:
        return NO if client_says is NO or server_says is NO else MORE
    describe = partial(_describe, asked if client_says is YES else b"", answered if server_says is YES else b"")
    both = client_says is server_says
    protocol = "dns" if flow.proto == TCP else _which(flow, asked or answered)
    if protocol != "dns":
        return Match(protocol, {}, both, describe=describe)  # nobody need answer a multicast
    confirmed = both and _answers(flow, client, server)
    done = confirmed or client_says is NO or server_says is NO
    return Match(protocol, {}, confirmed, done, describe=describe)


def _describe(asked: bytes, answered: bytes) -> dict[str, Any]:
    """Return the facts of both messages, where they are there."""
    facts: dict[str, Any] = {}
    for message in (asked, answered):
        if message:
            add_facts(facts, message)
    return facts


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser:
    """Follow every question."""
    return DnsTransactions(stream=flow.proto == TCP)


def _answers(flow: Flow, client: bytes, server: bytes) -> bool:
    """One of the server's first messages answers a question of the client's first ones, or the other way round."""
    if flow.proto != TCP and len(flow.client_sizes) == 1 == len(
        flow.server_sizes
    ):  # one question, one answer, as nearly always
        return _is_answer(client, server) or _is_answer(server, client)
    asked, replies = _messages(flow, client, flow.client_sizes), _messages(flow, server, flow.server_sizes)
    return any(_is_answer(one, other) or _is_answer(other, one) for one in asked for other in replies)


def _messages(flow: Flow, data: bytes, sizes: tuple[int, ...]) -> list[bytes]:
    """Return the first messages of a direction that have a header, at most 8; the last one over TCP may be cut."""
    if flow.proto != TCP:
        return [message for message in islice(datagrams(data, sizes), _MOST_COMPARED) if len(message) >= 12]
    found: list[bytes] = []
    at = 0
    while at + 14 <= len(data) and len(found) < _MOST_COMPARED:
        length = u16(data, at)
        found.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    return found


def _is_answer(question: bytes, answer: bytes) -> bool:
    """Same id, the bit of a response, and the question repeated (RFC 5452 section 9.1) or left out (RFC 2308)."""
    if question[:2] != answer[:2] or question[2] & 0x80 or not answer[2] & 0x80:
        return False
    if answer[4:6] == b"\0\0":
        return answer[3] & 15 != 0 or question[2] >> 3 & 15 == UPDATE
    end = skip_name(question, 12)
    return bool(end) and answer[12:].lower().startswith(cut(question, 12, end + 4).lower())


def _over_udp(data: bytes, sizes: tuple[int, ...], asked: bytes = b"", to_group: bool = False) -> tuple[Answer, bytes]:
    """Return what a direction's datagrams are, and the first message: behind a damaged one that of its repetition.

    What is sent to one of the groups can only be damaged, if it has a header.
    """
    for number, message in enumerate(datagrams(data, sizes)):
        says = grade_message(message, asked)
        if says is not NO:
            return says, message
        if to_group and len(message) > 12 and (worth_waiting(message) or header_fits(message, len(message))):
            return YES, message
        if number + 1 >= _MOST_DAMAGED or len(message) < 12 or not worth_waiting(message):
            return NO, b""
    return MORE, b""


def _over_tcp(data: bytes) -> tuple[Answer, bytes]:
    """Return what a direction's first message is, and the message, as far as it is there.

    Servers pass over a few short ones that are none.
    """
    at = 0
    for _ in range(_MOST_DAMAGED):
        if len(data) < at + 2:
            return MORE, b""
        length = u16(data, at)
        fits = length >= 12 and header_fits(data[at + 2 : at + 14].ljust(12, b"\0"), length)  # the rest may still come
        if not fits and length > SHORT:
            return NO, b""
        message = data[at + 2 : at + 2 + length]
        if len(message) < min(length, _PATIENCE):
            return MORE, message
        if (says := grade_message(message)) is not NO or length > SHORT:
            return says, message
        at += 2 + length
    return NO, b""


def _which(flow: Flow, message: bytes) -> str:
    """Return which of the three protocols a datagram's message belongs to."""
    if flow.dst in MDNS_GROUPS or flow.src in MDNS_GROUPS:
        return "mdns"
    if flow.dst in LLMNR_GROUPS or flow.src in LLMNR_GROUPS:
        return "llmnr"
    if message[:2] == b"\0\0" and u16(message, 2) & 0x7BFF == 0 and b"\5local\0" in message:
        return "mdns"
    return "dns"
