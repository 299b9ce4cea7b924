"""Simple Service Discovery Protocol: UPnP's search, answer and announcement.

:checked: ``M-SEARCH * HTTP/1.`` or ``NOTIFY * HTTP/1.``, or a ``200 OK`` with a search target (``ST``) or service name
    (``USN``)
:source: UPnP Device Architecture 2.0 sections 1.2, 1.3
:minimum: 20 bytes, an answer's the first datagram
:facts: method, target, server
"""

from __future__ import annotations

import re
from typing import Any

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_beacon
from ..parsing.wire import text

api_version = 1
protocols = ("ssdp",)
transport = "udp"
tier = "exact"
first_client = b"MNHmnh"
first_server = None

_request = re.compile(rb"(M-SEARCH|NOTIFY) \* HTTP/1\.[01] ?\r?\n", re.IGNORECASE).match
_answer = re.compile(rb"HTTP/1\.[01] 200 ", re.IGNORECASE).match
_target = re.compile(rb"\n(?:ST|NT|USN):[ \t]*([^\r\n]*)", re.IGNORECASE).search
_server = re.compile(rb"\n(?:SERVER|USER-AGENT):[ \t]*([^\r\n]*)", re.IGNORECASE).search


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SSDP."""
    return by_beacon("ssdp", _message, flow, client)


def _message(data: bytes) -> Evidence:
    request = _request(data)
    target = _target(data)
    if request is None and (target is None or not _answer(data)):
        return NO
    facts: dict[str, Any] = {"method": text(request[1].upper())} if request else {}
    if target:
        facts["target"] = text(target[1])
    software = _server(data)
    if software:
        facts["server"] = text(software[1])
    return facts
