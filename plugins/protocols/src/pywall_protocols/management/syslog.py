"""Syslog, the BSD way and RFC 5424's, over UDP, and over TCP with either framing.

:checked: ``<PRI>`` with a priority of 0 to 191, and readable text after it; over TCP also a version or a date behind it
:source: RFC 3164 section 4.1; RFC 5424 section 6; RFC 6587 section 3.4 (TCP); RFC 3339 (the date that rsyslog forwards
    with)
:minimum: 6 bytes; over TCP 8
:facts: facility, severity
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, UDP, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon, by_stream

api_version = 1
protocols = ("syslog",)
transport = ("udp", "tcp")
tier = "structural"
first_client = b"<123456789"
first_server = None

_MAX_PRIORITY: Final = 191
#: bytes of the message that must be readable
_SHOWN: Final = 128

_priority = re.compile(rb"<(0|[1-9]\d{0,2})>").match
_readable = re.compile(rb"[\t\n\r\x1b -~\x80-\xff]+\0?\Z").match
_framed = re.compile(
    rb"(?:[1-9]\d{1,4} )?<(0|[1-9]\d{0,2})>(?:1 (?:\d{4}-|- )|\d{4}-[01]\d-[0-3]\dT|"
    rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d )"
).match
_unfinished = re.compile(rb"(?:[1-9]\d{0,4} ?)?(?:<(?:\d{1,3}(?:>[\w :-]{0,10})?)?)?\Z").match


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect syslog."""
    if flow.proto == UDP:
        return by_beacon("syslog", _datagram, flow, client)
    return by_stream("syslog", _stream, client, server)


def _datagram(data: bytes) -> Evidence:
    found = _priority(data)
    if found is None or not _readable(data[found.end() : found.end() + _SHOWN]):
        return NO
    return _facts(found)


def _stream(data: bytes) -> Evidence:
    found = _framed(data)
    if found is None:
        return MORE if _unfinished(data) else NO
    return _facts(found)


def _facts(found: re.Match[bytes]) -> Evidence:
    priority = int(found[1])
    if priority > _MAX_PRIORITY:
        return NO
    return {"facility": priority >> 3, "severity": priority & 7}
