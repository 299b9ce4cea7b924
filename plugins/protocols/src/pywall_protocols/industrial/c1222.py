"""ANSI C12.22: messages of electricity meters, over TCP and UDP.

:checked: an association of BER values with known tags, among them the calling or called title, and user information
    that holds an external value
:source: ANSI C12.22-2008 section 5.3; ISO 8650 (ACSE)
:minimum: the whole first message
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, by_message
from ..parsing.wire import tlv

api_version = 1
protocols = ("c1222",)
transport = ("tcp", "udp")
tier = "exact"
first_client = b"\x60"
first_server = b"\x60"

_ASSOCIATION: Final = 0x60
_TITLES: Final = frozenset({0xA2, 0xA6})
#: context, titles, qualifiers and invocations, mechanism, authentication, user information
_TAGS: Final = frozenset({0xA1, *_TITLES, 0xA3, 0xA4, 0xA5, 0xA7, 0xA8, 0xA9, 0x8B, 0xAB, 0xAC, 0xBE})
_USER: Final = 0xBE
_EXTERNAL: Final = 0x28
_MAX_LENGTH: Final = 4096


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect ANSI C12.22."""
    return by_message("c1222", _message, flow, client, server, _belong)


def _belong(one: bytes, other: bytes) -> bool:
    """An answer says other things than what was asked."""
    whole = tlv(one, 0)
    return whole is None or not is_copy(one[: whole[2]], other[: whole[2]])


def _message(data: bytes) -> Evidence:
    if len(data) < 6:
        return MORE if data[0] == _ASSOCIATION else NO
    whole = tlv(data, 0)
    if whole is None or whole[0] != _ASSOCIATION or whole[2] > _MAX_LENGTH or data[whole[1]] not in _TAGS:
        return NO
    if len(data) < whole[2]:
        return MORE
    at, end = whole[1], whole[2]
    titled = False
    while at < end:
        value = tlv(data, at, end)
        if value is None or value[0] not in _TAGS:
            return NO
        if value[0] == _USER:
            return {} if titled and data[value[1]] == _EXTERNAL else NO
        titled = titled or value[0] in _TITLES
        at = value[2]
    return NO
