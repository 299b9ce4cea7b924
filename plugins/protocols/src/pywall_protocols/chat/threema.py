"""Threema's chat server protocol.

:checked: keys and boxes of the handshake's lengths that are no text, and frames of the server whose lengths chain up to
    the one that ends what waited
:source: Threema, Cryptography Whitepaper, Chat Protocol Overview; lengths as in nDPI's documentation
:minimum: 239 bytes of the client, 114 of the server
:facts: none
"""

from __future__ import annotations

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

api_version = 1
protocols = ("threema",)
unseen = protocols  # all of it is ciphertext
transport = "tcp"
tier = "heuristic"
speaks_first = "client"
first_client = None
first_server = None

#: key and cookie; then the login
_CLIENT_HELLO, _LOGIN = 48, 191
#: cookie and box; then the acknowledgement, and frames with their lengths before them (little-endian)
_SERVER_HELLO, _ACKNOWLEDGEMENT = 80, 32
#: bytes of a frame: one of a type alone, sealed, ends the messages that waited
_END_OF_QUEUE, _SHORTEST, _LONGEST, _MOST_FRAMES = 20, 17, 8192, 16
#: bytes of a client that waits for its server's key: it has sent 48
_MOST_UNANSWERED = 1024
#: of so many bytes of a key fewer are alike, and not all are text
_SAMPLE, _LEAST_DISTINCT = 32, 20


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Threema. All is ciphertext, so that it is never confirmed."""
    if _is_text(client) or _is_text(server) or (not server and len(client) > _MOST_UNANSWERED):
        return NO
    frames = _frames(server)
    if frames is YES and len(client) >= _CLIENT_HELLO + _LOGIN:
        return Match("threema", confirmed=False)
    return NO if frames is NO else MORE


def _frames(server: bytes) -> Answer:
    """Return YES when the server's frames chain up to the one that ends what waited for the client."""
    at = _SERVER_HELLO + _ACKNOWLEDGEMENT
    for _ in range(_MOST_FRAMES):
        if at + 2 > len(server):
            return MORE
        size = int.from_bytes(server[at : at + 2], "little")
        if size == _END_OF_QUEUE:
            return YES
        if not _SHORTEST <= size <= _LONGEST:
            return NO
        at += 2 + size
    return NO


def _is_text(data: bytes) -> bool:
    """Return True if the beginning can be no key: text, or bytes that repeat."""
    sample = data[:_SAMPLE]
    if len(sample) >= 8 and sample[:8].isascii():
        return True
    return len(sample) == _SAMPLE and len(set(sample)) < _LEAST_DISTINCT
