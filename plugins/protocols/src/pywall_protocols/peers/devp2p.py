"""Ethereum's RLPx: the handshake of devp2p.

:checked: a message's length, and behind it a public key that is a point of the curve secp256k1; of both sides
:source: Ethereum, devp2p, rlpx.md (initial handshake); EIP-8 (length, padding); SEC 2 section 2.4.1 (the curve)
:minimum: 67 bytes
:facts: none
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, by_stream
from ..parsing.wire import u16

api_version = 1
protocols = ("ethereum",)
transport = "tcp"
tier = "structural"
first_client = first_server = b"\0\1\2\3\4"

#: y^2 = x^3 + 7 over this field
_FIELD: Final = 2**256 - 2**32 - 977
#: an uncompressed point begins so
_POINT: Final = 4
#: bytes of a message at least and at most: point, initialisation vector, tag, the encrypted rest and its padding
_SHORTEST: Final = 180
_LONGEST: Final = 1279
_NUMBER: Final = 32


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect RLPx."""
    return by_stream("ethereum", _handshake, client, server)


def _handshake(data: bytes) -> Evidence:
    if data[0] == _POINT:  # before EIP-8 nothing stood before the point; a length may begin so as well
        old = _is_point(data, 1)
        if old is not NO:
            return old
    if len(data) < 3:
        return MORE if len(data) < 2 or _SHORTEST <= u16(data, 0) <= _LONGEST else NO
    if data[2] != _POINT or not _SHORTEST <= u16(data, 0) <= _LONGEST:
        return NO
    return _is_point(data, 3)


def _is_point(data: bytes, at: int) -> Answer:
    if len(data) < at + 2 * _NUMBER:
        return MORE
    second = at + _NUMBER
    x = int.from_bytes(data[at : at + _NUMBER], "big")
    y = int.from_bytes(data[second : second + _NUMBER], "big")
    return YES if x < _FIELD and y < _FIELD and (y * y - x * x * x - 7) % _FIELD == 0 else NO
