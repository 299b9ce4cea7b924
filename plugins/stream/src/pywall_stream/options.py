"""TCP options as Linux reads them (``tcp_parse_options`` in net/ipv4/tcp_input.c): what is malformed ends the list."""

from __future__ import annotations

from typing import Final

#: Option kinds, https://www.iana.org/assignments/tcp-parameters
_END: Final = 0
_NOP: Final = 1
_WINDOW_SCALE: Final = 3
_TIMESTAMPS: Final = 8
_MD5: Final = 19
_AO: Final = 29
_FAST_OPEN: Final = 34

#: What Linux sends: NOP, NOP, timestamps (RFC 7323 appendix A).
TIMESTAMPS: Final = b"\x01\x01\x08\x0a"
#: The largest shift that counts (RFC 7323 section 2.3).
MAX_SHIFT: Final = 14


class Options:
    """``shift``: window scale, 0 to 14; ``tsval``: 32-bit timestamp; both -1 where absent. ``signature``: an MD5
    (RFC 2385) or TCP-AO (RFC 5925) option; ``fast_open``: a cookie or the request for one (RFC 7413).
    """

    __slots__ = ("fast_open", "shift", "signature", "tsval")

    def __init__(self, shift: int = -1, tsval: int = -1, signature: bool = False, fast_open: bool = False) -> None:
        self.shift = shift
        self.tsval = tsval
        self.signature = signature
        self.fast_open = fast_open

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Options):
            return NotImplemented
        mine = (self.shift, self.tsval, self.signature, self.fast_open)
        return mine == (other.shift, other.tsval, other.signature, other.fast_open)


NO_OPTIONS: Final = Options()


def u32(data: bytes, at: int) -> int:
    """Return the 32 bits at ``at``; the caller knows that they are there."""
    return data[at] << 24 | data[at + 1] << 16 | data[at + 2] << 8 | data[at + 3]


def parse_options(data: bytes) -> Options:
    """Read the option part of a TCP header (0 to 40 bytes)."""
    shift = tsval = -1
    signature = fast_open = False
    at = 0
    size = len(data)
    if size == 12 and data.startswith(TIMESTAMPS):
        return Options(-1, u32(data, 4))
    while at < size:
        kind = data[at]
        if kind == _END:
            break
        if kind == _NOP:
            at += 1
            continue
        if at + 1 >= size:
            break
        length = data[at + 1]
        if length < 2 or at + length > size:
            break
        if kind == _TIMESTAMPS and length == 10:
            tsval = u32(data, at + 2)
        elif kind == _WINDOW_SCALE and length == 3:
            shift = min(data[at + 2], MAX_SHIFT)
        elif kind in (_MD5, _AO):
            signature = True
        elif kind == _FAST_OPEN:
            fast_open = True
        at += length
    return Options(shift, tsval, signature, fast_open)
