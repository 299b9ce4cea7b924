"""Trivial File Transfer Protocol: the request, and the transfer that follows on another port.

:checked: a request's file name and mode as text; a transfer by a block of data whose number the other side
    acknowledges, or by the first packet that may follow a request where a request announced it
:source: RFC 1350 sections 4, 5; RFC 2347 (options)
:minimum: a request's first datagram; a transfer's first datagram, or one of both sides
:facts: packet, file, mode
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.wire import first_datagram, text, u16
from ..transactions.requests import Requests

api_version = 1
protocols = ("tftp",)
transport = "udp"
tier = "heuristic"
announces = ("tftp",)
first_client = b"\0"
first_server = b"\0"

_request = re.compile(
    rb"\0([\1\2])([\t -~\x80-\xff]{1,512})\0(netascii|octet|mail)\0(?:[\w-]{1,32}\0[\w./-]{0,255}\0){0,16}\0*\Z",
    re.IGNORECASE,
).match
_DATA: Final = 3
_ACK: Final = 4
_ERROR: Final = 5
_OACK: Final = 6
#: RFC 2348: bytes of a block, at most 65464; 512 where none was agreed
_BLOCK: Final = 65464
#: highest error code (RFC 2347 section 3)
_ERRORS: Final = 8
_options = re.compile(rb"\0\x06(?:[\w-]{1,32}\0[\w./-]{0,255}\0){1,16}\Z").match


#: an acknowledgement of options tells the protocol without the request (RFC 2348, 2349, 7440)
_known_options = re.compile(rb"\0\x06(?:(?:blksize|tsize|timeout|windowsize)\0\d{1,10}\0){1,4}\Z", re.IGNORECASE).match


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect TFTP."""
    if not client:
        return MORE
    first = client[: flow.client_sizes[0]]
    facts = _facts(first)
    if facts is not None:
        flow.expect("tftp", proto=UDP, dst=flow.src, dport=flow.sport)
        return Match("tftp", facts, confirmed=False)  # the answer comes from another port: nothing more is known
    if len(first) < 4 or not _DATA <= u16(first, 0) <= _OACK:
        return NO
    acknowledged = bool(server) and _acknowledges(first, first_datagram(server, flow.server_sizes))
    if flow.expected == "tftp" and _first_answer(first):
        return Match("tftp", confirmed=acknowledged, done=acknowledged)
    if _known_options(first):
        return Match("tftp", confirmed=acknowledged, done=acknowledged)
    if not server:
        return MORE
    return Match("tftp") if acknowledged else NO


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser | None:
    """Read every request of the client, where a rule asks what they say; None for a transfer."""
    return Requests(_facts, _may_be_request) if _facts(first_datagram(flow.client, flow.client_sizes)) else None


def _facts(datagram: bytes) -> dict[str, Any] | None:
    found = _request(datagram)
    if found is None:
        return None
    packet = "read" if found[1] == b"\1" else "write"
    return {"packet": packet, "file": text(found[2]), "mode": text(found[3].lower())}


def _may_be_request(datagram: bytes) -> bool:
    return datagram[:2] in (b"\0\1", b"\0\2")


def begins_again(datagram: bytes) -> bool:
    """Return whether a datagram is a request for sure: servers pass over what was sent before it."""
    return _request(datagram) is not None


def _first_answer(first: bytes) -> bool:
    """Return whether a server may answer a request so: block 1, its acknowledgement 0, an error, or options."""
    kind, number = u16(first, 0), u16(first, 2)
    if kind == _DATA:
        return number == 1 and len(first) <= _BLOCK + 4
    if kind == _ACK:
        return number == 0 and len(first) == 4
    if kind == _ERROR:
        return number <= _ERRORS and first.find(b"\0", 4) == len(first) - 1
    return _options(first) is not None


def _acknowledges(one: bytes, other: bytes) -> bool:
    """Return True if one is a block, the other the acknowledgement before or after it."""
    for block, ack in ((one, other), (other, one)):
        if (
            len(ack) == 4
            and 4 < len(block) <= _BLOCK + 4
            and u16(ack, 0) == _ACK
            and u16(block, 0) == _DATA
            and 0 <= u16(block, 2) - u16(ack, 2) <= 1
        ):
            return True
    return False
