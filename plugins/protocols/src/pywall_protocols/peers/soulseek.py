"""Soulseek: the login at its server, and the first message between two peers.

:checked: the length, which fits the message, and the lengths of its texts: name, password, version and the hash of
    both, 32 hexadecimal digits; or a name, the kind of connection and a token; the answer's length and code
:source: Nicotine+, Soulseek Protocol Documentation (Login, PeerInit)
:minimum: the first message, 25 bytes
:facts: message
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import HINT, WEAK, Evidence, client_first
from ..parsing.wire import cut

api_version = 1
protocols = ("soulseek",)
unseen = ("soulseek",)
transport = "tcp"
tier = "structural"
first_client = bytes(range(16, 256))
first_server = None

_LOGIN: Final = b"\1\0\0\0"
_HASH: Final = b"\x20\0\0\0"
_HEX: Final = b"0123456789abcdef"
_PRINTABLE: Final = bytes(range(32, 127))
_LONGEST_NAME: Final = 30
_LONGEST_PASSWORD: Final = 128
_LONGEST: Final = 512
#: kinds of connections between peers, as texts
_KINDS: Final = (b"\1\0\0\0P", b"\1\0\0\0F", b"\1\0\0\0D")
#: highest code of a message between peers
_MOST_CODES: Final = 64
_LONGEST_ANSWER: Final = 1 << 24


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect Soulseek."""
    return client_first("soulseek", _client(client), _server(server))


def _u32(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "little")


def _client(data: bytes) -> Evidence:
    if data[2:4].strip(b"\0"):
        return NO
    if len(data) < 5:
        return MORE
    size = _u32(data, 0)
    if not 16 <= size <= _LONGEST or data[4] != 1:
        return NO
    if len(data) < 4 + size:
        return MORE
    message = cut(data, 4, 4 + size)
    if message.startswith(_LOGIN) and _is_login(message):
        return {"message": "login"}
    return {"message": "peer-init"} if _is_peer_init(message) else NO


def _is_name(data: bytes, longest: int) -> bool:
    return 0 < len(data) <= longest and not data.translate(None, _PRINTABLE)


def _is_login(message: bytes) -> bool:
    """Name, password, version, hash and minor version fill the message."""
    name_end = 8 + _u32(message, 4)
    end = name_end + 4 + _u32(message, name_end)
    return (
        end + 44 == len(message)
        and _is_name(cut(message, 8, name_end), _LONGEST_NAME)
        and _is_name(cut(message, name_end + 4, end), _LONGEST_PASSWORD)
        and message.startswith(_HASH, end + 4)
        and not cut(message, end + 8, end + 40).translate(None, _HEX)
    )


def _is_peer_init(message: bytes) -> bool:
    """Name, kind of connection and token fill the message."""
    end = 5 + _u32(message, 1)
    fits = end + 9 == len(message) and message.startswith(_KINDS, end)
    return fits and _is_name(cut(message, 5, end), _LONGEST_NAME)


def _server(data: bytes) -> Evidence:
    if len(data) < 8:
        return WEAK
    return HINT if 4 <= _u32(data, 0) <= _LONGEST_ANSWER and _u32(data, 4) <= _MOST_CODES else NO
