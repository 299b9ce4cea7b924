"""Queries of Valve's Source and GoldSrc game servers.

:checked: four bytes of ones and a query's or an answer's letter with what belongs to it
:source: Valve Developer Community, Server queries; Master Server Query Protocol
:minimum: the first datagram, 9 bytes
:facts: query
"""

from __future__ import annotations

import re

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_datagram

api_version = 1
protocols = ("source_engine",)
transport = "udp"
tier = "exact"
first_client = b"\xff\xfe\x31"
first_server = None

_query = re.compile(
    rb"\xff{4}(?:(T)Source Engine Query\0|([UVW])[\s\S]{4}\Z|(q)conn?ect|(g)etchallenge|(A)[\s\S]{4}(?:[\s\S]{4})?\Z|"
    rb"(I)[\x02-\x20][\t -~\x80-\xff]{0,250}\0|(D)[\s\S]\0|(f)\n[\s\S]{6})"
).match
_master = re.compile(rb"(1)[\0-\7\xff][0-9.]{7,15}:\d{1,5}\0").match


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect queries of Source servers."""
    return by_datagram("source_engine", _message, flow, client, server)


def _message(data: bytes) -> Evidence:
    found = _query(data) or _master(data)
    return {"query": found[found.lastindex or 1].decode()} if found else NO
