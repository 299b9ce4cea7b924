"""What ties an answer of DNS to its question, and the addresses that it names.

:source: RFC 1035 section 4.1; RFC 3596 section 2
"""

from __future__ import annotations

from typing import Final

from .dns_message import header_fits, skip_name
from .wire import cut, u16, u32

#: bytes of an address, by the type of its record: A and AAAA
_ADDRESS_SIZES: Final = {1: 4, 28: 16}
_INTERNET: Final = 1
#: records of an answer that are looked at
_MOST_RECORDS: Final = 256


def read_question(message: bytes) -> bytes:
    """Return name, type and class of a message's only question, in lower case; nothing where it has another number of
    them or is none. It begins at byte 12.
    """
    size = len(message)
    if size < 17 or not header_fits(message, size) or u16(message, 4) != 1:
        return b""
    end = skip_name(message, 12)
    if not end or end + 4 > size:
        return b""
    return cut(message, 12, end + 4).lower()


def read_addresses(message: bytes, at: int) -> list[tuple[bytes, int]]:
    """Return the addresses of the answer's records from ``at`` on (4 or 16 bytes), as far as they fit, each with the
    seconds that it holds.
    """
    found: list[tuple[bytes, int]] = []
    for _ in range(min(u16(message, 6), _MOST_RECORDS)):
        at = skip_name(message, at)
        if not at or at + 10 > len(message):
            break
        end = at + 10 + u16(message, at + 8)
        if end > len(message):
            break
        if u16(message, at + 2) == _INTERNET and end - at - 10 == _ADDRESS_SIZES.get(u16(message, at)):
            found.append((cut(message, at + 10, end), u32(message, at + 4)))
        at = end
    return found
