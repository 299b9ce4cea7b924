"""mosh, the mobile shell: datagrams that are ciphertext behind a counter.

:checked: the first eight bytes of each datagram: a counter that begins at 0 and goes on, with the highest bit set in
    the server's alone
:source: Winstein and Balakrishnan, Mosh: An Interactive Remote Shell for Mobile Clients, section 2; mosh, crypto.h
    (direction and sequence number of a nonce)
:minimum: two datagrams of the client and one of the server
:facts: none
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.wire import datagrams

api_version = 1
protocols = ("mosh",)
transport = "udp"
tier = "heuristic"
speaks_first = "client"
first_client = b"\0"
first_server = b"\x80"

_NONCE: Final = 8
#: nonce, two time stamps, the head of a fragment, and the tag of AES-OCB
_SHORTEST: Final = _NONCE + 4 + 10 + 16
_FROM_SERVER: Final = 1 << 63
#: datagrams that may be lost between two that are seen
_MOST_LOST: Final = 8
_NEEDED: Final = 2
#: datagrams of one side in which the other one has to say enough: nobody keeps a rule waiting
_MOST_WAITED_FOR: Final = 8


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect mosh; never confirmed, for anybody can count."""
    sent = _counts(datagrams(client, flow.client_sizes), 0, _NEEDED)
    received = _counts(datagrams(server, flow.server_sizes), _FROM_SERVER, 1)
    alone = len(flow.client_sizes if received is MORE else flow.server_sizes) >= _MOST_WAITED_FOR
    if sent is NO or received is NO or (alone and MORE in (sent, received)):
        return NO
    return Match("mosh", confirmed=False) if sent is YES and received is YES else MORE


def _counts(messages: Iterable[bytes], begin: int, needed: int) -> Answer:
    """Return YES when the first ``needed`` datagrams count from ``begin``, NO when one of them does not."""
    expected = begin
    for number, message in enumerate(messages, 1):
        counter = int.from_bytes(message[:_NONCE], "big")
        if len(message) < _SHORTEST or not expected <= counter <= expected + (number > 1) * _MOST_LOST:
            return NO
        if number == needed:
            return YES
        expected = counter + 1
    return MORE
