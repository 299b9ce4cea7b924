"""The client hello of Google's QUIC before it spoke TLS: tags, each with the offset at which its value ends.

:source: Chromium's net/quic (crypto handshake messages)
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any, Final

from .wire import cut, text

TAG: Final = b"CHLO"
_MOST_ENTRIES: Final = 64


def is_table(data: bytes, at: int) -> bool:
    """Return True if a message is at ``at``: a tag, a number of entries, and the entries, tags in order."""
    count = int.from_bytes(data[at + 4 : at + 6], "little")
    entries = [data[entry : entry + 8] for entry in range(at + 8, at + 8 + 8 * count, 8)]
    if not 1 <= count <= _MOST_ENTRIES or data[at + 6 : at + 8] != b"\0\0" or len(entries[-1]) < 8:
        return False
    keys = [(int.from_bytes(entry[:4], "little"), int.from_bytes(entry[4:], "little")) for entry in entries]
    return all(one[0] < other[0] and one[1] <= other[1] for one, other in pairwise(keys))


def length(data: bytes) -> int:
    """Return the length of the message that data begin with; 0 where it is not all there."""
    count = int.from_bytes(data[4:6], "little")
    values = 8 + 8 * count
    size = values + int.from_bytes(data[values - 4 : values], "little") if count and len(data) >= values else 0
    return size if size <= len(data) else 0


def facts(data: bytes) -> dict[str, Any]:
    """Return the server name of the first client hello in ``data``, where it has one."""
    at = data.find(TAG)
    if at < 0 or at + 8 > len(data):
        return {}
    values = at + 8 + 8 * int.from_bytes(data[at + 4 : at + 6], "little")
    begin = 0
    for entry in range(at + 8, min(values, len(data) - 7), 8):
        end = int.from_bytes(data[entry + 4 : entry + 8], "little")
        if data[entry : entry + 4] == b"SNI\0":
            name = cut(data, values + begin, values + end)
            return {"sni": text(name).lower()} if name else {}
        begin = end
    return {}
