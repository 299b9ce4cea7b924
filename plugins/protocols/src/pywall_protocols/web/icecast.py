"""Sources of Icecast and Shoutcast: audio in a request that has no end.

:checked: a PUT or SOURCE request for audio, video or Ogg that has no length
:source: Icecast, Source client protocol; RFC 9112 section 6.3 (a request without a length has no body)
:minimum: a request head
:facts: content_type
"""

from __future__ import annotations

import re
from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.wire import starts, text

api_version = 1
protocols = ("icecast",)
transport = "tcp"
tier = "structural"
speaks_first = "client"
first_client = b"PS"
first_server = None

_METHODS: Final = (b"PUT /", b"SOURCE /")
_LINE: Final = re.compile(rb"(?:PUT|SOURCE) /[!-~]* (?:HTTP/1\.[01]|ICE/1\.0)\r?\n")
_TYPE: Final = re.compile(rb"\r?\n(?i:content-type):[ \t]*((?:audio|video)/[\w.+-]+|application/(?:x-)?ogg)[ \t]*\r?\n")
_LENGTH: Final = re.compile(rb"\r?\n(?i:content-length|transfer-encoding):")
_END: Final = re.compile(rb"\r?\n\r?\n")
#: bytes of a head
_LONGEST: Final = 4096


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect a source of Icecast; never confirmed, for what follows the head may be anything."""
    if len(client) <= len(_METHODS[1]) and starts(client[: len(_METHODS[1])], *_METHODS) is not NO:
        return MORE
    if not client.startswith(_METHODS):
        return NO
    end = _END.search(client, 0, _LONGEST)
    if end is None:
        return MORE if len(client) < _LONGEST else NO
    head = client[: end.end()]
    kind = _TYPE.search(head)
    if kind is None or not _LINE.match(head) or _LENGTH.search(head):
        return NO
    return Match("icecast", {"content_type": text(kind[1])}, confirmed=False)
