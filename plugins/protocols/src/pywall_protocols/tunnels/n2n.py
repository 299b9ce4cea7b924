"""n2n, a virtual network of peers and supernodes.

:checked: version, a known kind of message, and the name of the community, which the answer repeats
:source: ntop n2n, doc/ and include/n2n_typedefs.h (versions 2 and 3); version 1 as Debian's 1.3 speaks it
:minimum: the first datagram of each side
:facts: community
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import text, u16

api_version = 1
protocols = ("n2n",)
transport = "udp"
tier = "structural"
first_client = first_server = b"\1\2\3"

#: version, time to live or kind, flags with the kind in the low bits, community
_HEADER: Final = 4
_COMMUNITY: Final = {1: 16, 2: 16, 3: 20}
#: registers with a peer or a supernode, and what answers them with the number that they have behind the community
_ANSWERED: Final = {1: (4,), 5: (7, 8)}
_NUMBER: Final = 4
_MOST_HOPS: Final = 16
_KINDS: Final = range(1, 13)
#: a name behind which there are only zeros; version 1 does not clear what is behind its end
_NAME: Final = re.compile(rb"([!-~]+)\0*\Z").match
_SHORTEST: Final = 32


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect n2n."""
    return by_request("n2n", _message, _answers, flow, client, server, _belong, needs_answer=True)


def _message(data: bytes) -> Evidence:
    name = _community(data)
    return {"community": text(name)} if name else NO


def _answers(message: bytes, answer: bytes) -> Answer:
    if answer[:1] != message[:1] or _community(answer) != _community(message):
        return NO
    return YES if _kind(message) != _kind(answer) or not is_copy(message, answer) else MORE


def _belong(one: bytes, other: bytes) -> bool:
    at = _HEADER + _COMMUNITY[one[0]]
    same = one[0] > 1 and one[at : at + _NUMBER] == other[at : at + _NUMBER]
    return same and _kind(other) in _ANSWERED.get(_kind(one), ())


def _kind(message: bytes) -> int:
    return message[1] if message[0] == 1 else u16(message, 2) & 0x1F


def _community(data: bytes) -> bytes:
    """Return the community's name in a message that holds, else nothing."""
    if len(data) < _SHORTEST or data[0] not in _COMMUNITY:
        return b""
    version = data[0]
    if _kind(data) not in _KINDS or (version > 1 and data[1] > _MOST_HOPS) or (version == 1 and u16(data, 2) > 1):
        return b""
    name = data[_HEADER : _HEADER + _COMMUNITY[version]]
    if version == 1:
        name = name.partition(b"\0")[0]
    found = _NAME(name)
    return found[1] if found else b""
