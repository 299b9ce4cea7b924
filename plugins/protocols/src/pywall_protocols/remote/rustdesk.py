"""RustDesk: registration at a rendezvous server, discovery in a network, and requests over TCP.

:checked: the message's number in the envelope, its length, which fills the datagram or frame, and the first field; an
    answer with a number of the answers
:source: RustDesk, hbb_common: rendezvous.proto, bytes_codec.rs
:minimum: the first datagram, 8 bytes; over TCP the first message
:facts: message, id
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import MORE, NO, UDP, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_request
from ..parsing.wire import text

api_version = 1
protocols = ("rustdesk",)
unseen = ("rustdesk",)
transport = ("tcp", "udp")
tier = "structural"
first_client = None
first_server = None

#: numbers of the envelope's fields, all messages with a length
_REQUESTS: Final = {
    6: "register-peer",
    8: "punch-hole-request",
    15: "register-pk",
    18: "request-relay",
    20: "test-nat-request",
    22: "peer-discovery",
    23: "online-request",
}
#: first bytes of their tags
_TAGS: Final = bytes((number << 3 | 2) & 0x7F | (0x80 if number > 15 else 0) for number in _REQUESTS)
_ANSWERS: Final = frozenset((7, 11, 16, 19, 21, 22, 24))
#: fields of requests that begin with a text, such as the identifier
_WITH_TEXT: Final = frozenset((6, 8, 15, 18, 22, 23))
_TEXT_FIELD: Final = 0x0A
_LONGEST: Final = 1024


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RustDesk."""
    if flow.proto == UDP:
        if client and client[0] not in _TAGS:
            return NO
        return by_request("rustdesk", _request, _answers, flow, client, server)
    return by_request("rustdesk", _framed_request, _framed_answers, flow, client, server)


def _envelope(data: bytes) -> tuple[int, bytes]:
    """Return number and contents of the one field that ``data`` is; number 0 where it is not."""
    at = 2 if data[:1] >= b"\x80" else 1
    if len(data) <= at or data[0] & 7 != 2 or (at == 2 and data[1] not in (1, 2)):
        return 0, b""
    number = (data[0] & 0x7F) >> 3 | (data[1] << 4 if at == 2 else 0)
    size, at = data[at], at + 1
    if size & 0x80:
        size, at = size & 0x7F | data[at] << 7 if len(data) > at else -1, at + 1
    return (number, data[at:]) if size == len(data) - at else (0, b"")


def _request(data: bytes) -> Evidence:
    number, contents = _envelope(data)
    if number not in _REQUESTS:
        return NO
    facts: dict[str, Any] = {"message": _REQUESTS[number]}
    if number in _WITH_TEXT:
        size = contents[1] if len(contents) > 1 else 0
        word = contents[2 : 2 + size]
        if contents[:1] != bytes([_TEXT_FIELD]) or not 4 <= len(word) == size or not _is_word(word):
            return NO
        if number == 6:
            facts["id"] = text(word)
    elif len(contents) > 16 or (contents and contents[0] & 7):
        return NO
    return facts


def _is_word(word: bytes) -> bool:
    return word.isascii() and word.decode().isprintable()


def _answers(request: bytes, answer: bytes) -> Answer:
    return YES if _envelope(answer)[0] in _ANSWERS else NO


def _frame(data: bytes) -> bytes | Answer:
    """Return the first frame: the low two bits of the first byte say how many bytes the length has."""
    width = (data[0] & 3) + 1
    if len(data) < width:
        return MORE
    size = int.from_bytes(data[:width], "little") >> 2
    if not 2 <= size <= _LONGEST:
        return NO
    return data[width : width + size] if len(data) >= width + size else MORE


def _framed_request(data: bytes) -> Evidence:
    frame = _frame(data)
    if not isinstance(frame, bytes):
        # a length is little: what follows it must be the number of a request
        width = (data[0] & 3) + 1
        return MORE if frame is MORE and _may_begin(data[width:]) else NO
    return _request(frame)


def _may_begin(data: bytes) -> bool:
    if not data:
        return True
    if len(data) == 1:
        return data[0] & 7 == 2
    number = (data[0] & 0x7F) >> 3 | (data[1] << 4 if data[0] & 0x80 else 0)
    return data[0] & 7 == 2 and number in _REQUESTS


def _framed_answers(request: bytes, answer: bytes) -> Answer:
    frame = _frame(answer)
    return _answers(request, frame) if isinstance(frame, bytes) else frame
