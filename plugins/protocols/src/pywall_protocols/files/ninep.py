"""The file protocol of Plan 9, which Linux (v9fs), virtual machines and WSL use.

:checked: size, type and tag of the version request and of its answer, the name of a version in both
:source: Plan 9 manual section 5, intro and version; Linux, Documentation/filesystems/9p.rst
:minimum: 19 bytes of each side
:facts: version
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import cut, text

api_version = 1
protocols = ("9p",)
transport = "tcp"
tier = "exact"
speaks_first = "client"
#: the size of a message with a version's name of 6 to 12 bytes
first_client = bytes(range(19, 26))
first_server = bytes(range(19, 27))

#: size[4] type[1] tag[2] msize[4] length of the version's name[2]
_HEAD: Final = 13
_REQUEST, _RESPONSE = 100, 101
_NO_TAG: Final = b"\xff\xff"
_VERSION: Final = b"9P2000"
#: what a server answers that knows none of the client's
_UNKNOWN: Final = b"unknown"


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect 9P."""
    return by_request("9p", _request, _answers, flow, client, server)


def _request(data: bytes) -> Evidence:
    name = _version(data, _REQUEST)
    if not isinstance(name, bytes):
        return name
    return {"version": text(name)} if name.startswith(_VERSION) else NO


def _answers(request: bytes, answer: bytes) -> Answer:
    name = _version(answer, _RESPONSE)
    if not isinstance(name, bytes):
        return name
    return YES if name.startswith(_VERSION) or name == _UNKNOWN else NO


def _version(data: bytes, kind: int) -> bytes | Answer:
    """Return the name in a whole version message of this kind."""
    head = data[:_HEAD]
    size = head[0]
    wrong = any(head[1:4]) or head[4:5] not in (b"", bytes([kind])) or not _NO_TAG.startswith(head[5:7])
    if wrong or size not in first_server or any(head[12:13]):
        return NO
    if len(data) < size:
        return MORE
    return cut(data, _HEAD, size) if head[11] == size - _HEAD else NO
