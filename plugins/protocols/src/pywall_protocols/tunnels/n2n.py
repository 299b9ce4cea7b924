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
_MOST_HOPS: Final = 16
_KINDS: Final = range(1, 13)
#: a name behind which there are only zeros; version 1 does not clear what is behind its end
_NAME: Final = re.compile(rb"([!-~]+)\0*\Z").match
_SHORTEST: Final = 32


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect n2n."""
    return by_request("n2n", _message, _answers, flow, client, server, needs_answer=True)


def _message(data: bytes) -> Evidence:
    name = _community(data)
    return {"community": text(name)} if name else NO


def _answers(message: bytes, answer: bytes) -> Answer:
    if answer[:1] != message[:1] or _community(answer) != _community(message):
        return NO
    kinds = message[1] != answer[1] if message[0] == 1 else (message[3] ^ answer[3]) & 0x1F
    return YES if kinds or not is_copy(message, answer) else MORE


def _community(data: bytes) -> bytes:
    """Return the community's name in a message that holds, else nothing."""
    if len(data) < _SHORTEST or data[0] not in _COMMUNITY:
        return b""
    version = data[0]
    kind = data[1] if version == 1 else u16(data, 2) & 0x1F
    if kind not in _KINDS or (version > 1 and data[1] > _MOST_HOPS) or (version == 1 and u16(data, 2) > 1):
        return b""
    name = data[_HEADER : _HEADER + _COMMUNITY[version]]
    if version == 1:
        name = name.partition(b"\0")[0]
    found = _NAME(name)
    return found[1] if found else b""
