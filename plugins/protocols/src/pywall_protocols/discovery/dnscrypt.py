"""DNSCrypt, version 2: DNS queries in encrypted boxes.

:checked: the answer's magic, and in its nonce the first half that the query chose; over TCP each with its length
    before it
:source: DNSCRYPT-V2-PROTOCOL (dnscrypt.info/protocol), sections 5 and 9 to 11
:minimum: one query and its answer
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import starts, u16

api_version = 1
protocols = ("dnscrypt",)
transport = ("udp", "tcp")
tier = "structural"
speaks_first = "client"
first_client = None
first_server = None

_MAGIC: Final = b"r6fnvWj8"
#: different values among the bytes of a key; 32 random ones have fewer once in 10^16
_LEAST_DISTINCT: Final = 16
_HEAD: Final = 52
_TAG: Final = 16
_BLOCK: Final = 64
_SHORTEST: Final = 60
_LONGEST: Final = 4096


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DNSCrypt."""
    if flow.proto == UDP:
        return by_request("dnscrypt", _query, _answers, flow, client, server, needs_answer=True)
    if not server and len(client) > 2 * _LONGEST:
        return NO
    return by_request("dnscrypt", _framed_query, _framed_answers, flow, client, server, needs_answer=True)


def _query(data: bytes) -> Evidence:
    """A sealed query is padded; a public key (bytes 8 to 39) does not repeat itself, the nonce's half follows it."""
    return {} if _is_padded(len(data)) and len(set(data[8:40])) >= _LEAST_DISTINCT else NO


def _is_padded(size: int) -> bool:
    """A multiple of 64 bytes is sealed, or the whole message has as many, as dnscrypt-proxy makes it."""
    sealed = size - _HEAD - _TAG
    return _SHORTEST <= sealed <= _LONGEST and 0 in (sealed % _BLOCK, size % _BLOCK)


def _answers(query: bytes, answer: bytes) -> Answer:
    if len(answer) < 20:
        return starts(answer, _MAGIC) if len(answer) < len(_MAGIC) else NO
    return YES if answer.startswith(_MAGIC) and answer[8:20] == query[40:52] else NO


def _framed_query(data: bytes) -> Evidence:
    if len(data) > 1 and not _is_padded(u16(data, 0)):
        return NO
    return {} if len(data) >= 2 + _HEAD else MORE


def _framed_answers(query: bytes, answer: bytes) -> Answer:
    if len(answer) < 22:
        return NO if starts(answer[2:], _MAGIC) is NO else MORE
    return _answers(query[2:], answer[2:])
