"""WebSocket's frames: one direction's bytes in, their payload out, unmasked.

:source: RFC 6455 sections 5.2 (frames), 5.3 (masks), 5.4 (fragments); RFC 7692 section 7.2.2 (compressed messages)
"""

from __future__ import annotations

from typing import Any, Final, final

from ..parsing.wire import cut
from .saving import Saved

#: What ends each compressed message and is not sent (RFC 7692 section 7.2.1).
_FLUSH: Final = b"\0\0\xff\xff"
_LONGEST_HEADER: Final = 14
_FIN, _COMPRESSED, _MASKED, _CONTROL = 0x80, 0x40, 0x80, 8


@final
class FrameReader(Saved):
    """One direction: frames in, payload out. ``compressed``: the last payload is a part of a compressed message.
    ``control``: it is that of a control frame.

    ``broken``: the bytes are no frames. Its state is made of values, so that :meth:`copy` is cheap.
    """

    __slots__ = ("_ends", "_head", "_key", "_left", "_message_compressed", "broken", "compressed", "control")

    def __init__(self) -> None:
        self.broken = False
        self.compressed = self.control = False
        self._head = b""
        self._key = b""
        self._left = 0
        #: a compressed message ends with the present frame
        self._ends = False
        self._message_compressed = False

    def state_names(self) -> tuple[str, ...]:
        return (
            "_ends", "_head", "_key", "_left", "_message_compressed", "broken", "compressed", "control",
        )  # fmt: skip

    def load(self, saved: Any) -> None:
        """Take a state."""
        super().load(saved)
        if self._left < 0 or len(self._key) not in (0, 4) or len(self._head) > _LONGEST_HEADER:
            raise ValueError("not the state of this reader")

    def copy(self) -> FrameReader:
        """Return a reader in the same state."""
        other = FrameReader()
        other.broken, other.compressed, other._head, other._key = self.broken, self.compressed, self._head, self._key
        other._left, other._ends, other._message_compressed = self._left, self._ends, self._message_compressed
        other.control = self.control
        return other

    def read(self, data: bytes, at: int) -> tuple[bytes, int]:
        """Return the next payload, as far as it is there, and the offset behind it; nothing at the end of ``data``."""
        size = len(data)
        while at < size and not self.broken:
            if not self._left:
                at = self._header(data, at)
                if self._left or not self._ends:
                    continue
                self._ends = False
                return _FLUSH, at
            taken = min(self._left, size - at)
            payload = data[at : at + taken]
            at += taken
            self._left -= taken
            if self._key:
                payload = _unmask(payload, self._key)
                turn = taken & 3
                self._key = self._key[turn:] + self._key[:turn]
            if self._ends and not self._left:
                self._ends = False
                payload += _FLUSH
            return payload, at
        return b"", size

    def _header(self, data: bytes, at: int) -> int:
        """Read on in a frame's header, which may be cut anywhere; the offset behind what was read."""
        while True:
            head = self._head
            needed = 2
            if len(head) >= 2:
                length = head[1] & 0x7F
                needed = 2 + (2 if length == 126 else 8 if length == 127 else 0) + (4 if head[1] & _MASKED else 0)
            if len(head) >= 2 and len(head) == needed:
                break
            more = cut(data, at, at + needed - len(head))
            if not more:
                return at
            self._head += more
            at += len(more)
        self._head = b""
        key_at = needed - 4 if head[1] & _MASKED else needed
        self._left = head[1] & 0x7F if key_at == 2 else int.from_bytes(cut(head, 2, key_at), "big")
        self._key = head[key_at:]
        code = head[0] & 0x0F
        self.broken = self._left >> 63 != 0 or head[0] & 0x30 != 0 or code & 7 > 2
        self.control = code >= _CONTROL
        if not self.control:
            if code:
                self._message_compressed = bool(head[0] & _COMPRESSED)
            self.compressed = self._message_compressed
            self._ends = self.compressed and bool(head[0] & _FIN)
        else:
            self.compressed = False
        return at


def _unmask(payload: bytes, key: bytes) -> bytes:
    size = len(payload)
    repeated = (key * (size // 4 + 1))[:size]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(repeated, "big")).to_bytes(size, "big")
