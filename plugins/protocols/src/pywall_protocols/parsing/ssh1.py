"""The key exchange of SSH 1: the server sends its keys and a cookie, the client a session key and the same cookie.

:source: draft-ylonen-ssh-protocol-00 (form of packets, SSH_SMSG_PUBLIC_KEY, SSH_CMSG_SESSION_KEY)
"""

from __future__ import annotations

from typing import Final
from zlib import crc32

from pywall_core.api import MORE, NO, YES, Answer

from .wire import u32

#: bytes of a packet's length field at most: much less than what may be sent, more than two keys of 8192 bits
_LONGEST: Final = 4096
_COOKIE: Final = 8
_SMSG_PUBLIC_KEY: Final = 2
_CMSG_SESSION_KEY: Final = 3


def key_exchange(client: bytes, server: bytes) -> Answer:
    """YES when the first packets of both sides, behind the identifications, are a key exchange, NO when not."""
    keys = _body(server, _SMSG_PUBLIC_KEY)
    session = _body(client, _CMSG_SESSION_KEY)
    if not isinstance(keys, bytes) or not isinstance(session, bytes):
        return NO if keys is NO or session is NO else MORE
    cookie = keys[:_COOKIE]
    return YES if len(cookie) == _COOKIE and session[1 : 1 + _COOKIE] == cookie else NO


def _body(data: bytes, kind: int) -> bytes | Answer:
    """Return what a packet of this kind holds behind its type, NO for anything else, MORE before its end is there."""
    if len(data) < 4:
        return MORE
    length = u32(data, 0)
    at = 12 - length % 8  # 1 to 8 bytes of padding come before the type
    if not 5 <= length <= _LONGEST or (len(data) > at and data[at] != kind):
        return NO
    end = at + length
    if len(data) < end:
        return MORE
    # SSH 1 neither begins nor ends with the inversion that zlib knows
    checked = crc32(data[: end - 4][4:], 0xFFFFFFFF) ^ 0xFFFFFFFF
    return data[: end - 4][at + 1 :] if checked == u32(data, end - 4) else NO
