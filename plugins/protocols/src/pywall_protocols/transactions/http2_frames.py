"""HTTP/2 frames of one direction: header blocks as fields, and the data of bodies.

:source: RFC 9113 sections 4 (frames), 6.1 to 6.10; RFC 7541 (HPACK), read by the library ``hpack``
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final, final

from ..parsing.wire import cut
from .saving import Saved

#: Bytes of a header block that are read: servers refuse more.
LONGEST_BLOCK: Final = 16384
#: Bytes that a header block may grow to (RFC 9113 section 10.5.1).
LONGEST_LIST: Final = 1 << 18
#: Bytes of the dynamic table that an encoder may use, whatever the settings say.
LARGEST_TABLE: Final = 1 << 16
_LONGEST_FRAME: Final = 1 << 16
_HEADER: Final = 9
_STREAM: Final = 0x7FFFFFFF
DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
_END_STREAM, _END_HEADERS, _PADDED, _WITH_PRIORITY = 1, 4, 8, 0x20
#: frames whose length is fixed
_LENGTHS: Final = {PRIORITY: 5, RST_STREAM: 4, PING: 8, WINDOW_UPDATE: 4}
_OF_CONNECTION: Final = frozenset({SETTINGS, PING, GOAWAY})
_OF_STREAM: Final = frozenset({DATA, HEADERS, PRIORITY, RST_STREAM, PUSH_PROMISE, CONTINUATION})
_BLOCKS: Final = frozenset({HEADERS, PUSH_PROMISE, CONTINUATION})

#: Fields of a header block in order, None where it cannot be read.
Block = list[tuple[bytes, bytes]] | None


def is_installed() -> bool:
    """Return True if the library ``hpack`` is there."""
    try:
        import_module("hpack")
    except ImportError:
        return False
    return True


@final
class FrameReader(Saved):
    """Reads the frames of one direction.

    ``lost``: a header block could not be read, and so none behind it. ``broken``: the bytes are no frames. The decoder
    is shared by copies until one of them reads on.
    """

    __slots__ = (
        "_block", "_decoder", "_flags", "_fragment", "_head", "_kind", "_left", "_pad", "_shared", "_stream", "body",
        "broken", "ends", "keep_body", "lost", "stream", "unread",
    )  # fmt: skip

    def __init__(self) -> None:
        self.broken = self.lost = self.keep_body = False
        #: stream of what :meth:`read` has returned
        self.stream = 0
        #: data of a body, where :meth:`read` has returned DATA; and whether the body ends there
        self.body = b""
        self.ends = False
        #: bytes of the frame that broke off
        self.unread = b""
        self._head = b""
        self._kind = self._flags = self._stream = self._left = self._pad = 0
        self._fragment = self._block = b""
        self._decoder: Any = None
        self._shared = False

    @property
    def table(self) -> tuple[Any, ...]:
        """The table of header fields that the sender has filled so far: its size, and the fields, newest first."""
        if self._decoder is None:
            return ()
        table = self._decoder.header_table
        return table.maxsize, tuple((bytes(name), bytes(value)) for name, value in table.dynamic_entries)

    @table.setter
    def table(self, saved: tuple[Any, ...]) -> None:
        if not saved:
            return
        size, entries = saved
        if type(size) is not int or not 0 <= size <= LARGEST_TABLE:
            raise ValueError("not the size of a table")
        decoder = import_module("hpack").Decoder(LONGEST_LIST)
        decoder.max_allowed_table_size = LARGEST_TABLE
        decoder.header_table.maxsize = size
        for name, value in reversed(entries):
            decoder.header_table.add(bytes(name), bytes(value))
        self._decoder = decoder

    def state_names(self) -> tuple[str, ...]:
        return (
            "broken",
            "lost",
            "_head",
            "_kind",
            "_flags",
            "_stream",
            "_left",
            "_pad",
            "_fragment",
            "_block",
            "unread",
            "table",
        )

    def copy(self) -> FrameReader:
        """Return a reader in the same state."""
        other = FrameReader()
        other.broken, other.lost, other.keep_body, other.unread = self.broken, self.lost, self.keep_body, self.unread
        other._head, other._kind, other._flags, other._stream = self._head, self._kind, self._flags, self._stream
        other._left, other._pad, other._fragment, other._block = self._left, self._pad, self._fragment, self._block
        other._decoder = self._decoder
        self._shared = other._shared = True
        return other

    def read(self, data: bytes, at: int) -> tuple[int, int, Block]:
        """Read on from ``data[at]``. Return where reading has stopped, the kind of what is complete (HEADERS with its
        fields, PUSH_PROMISE, and where bodies are kept a part of DATA and RST_STREAM), and the fields. -1 for none.
        """
        size = len(data)
        while at < size and not self.broken:
            if not self._left:
                at = self._read_header(data, at)
                if self._left or self.broken or len(self._head):
                    continue
            taken = min(self._left, size - at)
            piece = cut(data, at, at + taken)
            at += taken
            self._left -= taken
            if self._kind in _BLOCKS:
                if len(self._fragment) <= LONGEST_BLOCK:
                    self._fragment += piece
                if not self._left and self._end_fragment():
                    self.stream = self._stream
                    kind = PUSH_PROMISE if self._kind == PUSH_PROMISE else HEADERS
                    return at, kind, self._decode()
            elif self.keep_body and self._tells_of_body(piece):
                self.stream = self._stream
                return at, self._kind, None
        return at, -1, None

    def _tells_of_body(self, piece: bytes) -> bool:
        """Take a part of a frame; True when it has data of a body, or ends one."""
        if self._kind == RST_STREAM:
            self.body, self.ends = b"", not self._left
            return self.ends
        if self._kind != DATA:
            return False
        self._take_data(piece)
        self.ends = bool(self._flags & _END_STREAM) and not self._left
        return bool(self.body) or self.ends

    def _read_header(self, data: bytes, at: int) -> int:
        taken = min(_HEADER - len(self._head), len(data) - at)
        self._head += cut(data, at, at + taken)
        at += taken
        head = self._head
        if len(head) < _HEADER:
            return at
        length, kind = int.from_bytes(head[:3], "big"), head[3]
        stream = int.from_bytes(head[5:9], "big") & _STREAM  # a receiver ignores the bit before it
        expected = self._kind if not self._block_open() else CONTINUATION
        wrong = (
            _LENGTHS.get(kind, length) != length
            or (kind == SETTINGS and length % 6)
            or (kind in _OF_CONNECTION and stream)
            or (kind in _OF_STREAM and not stream)
            or (DATA < kind <= CONTINUATION and length > _LONGEST_FRAME)
            or (expected == CONTINUATION and self._block_open() and (kind != CONTINUATION or stream != self._stream))
            or (kind == CONTINUATION and not self._block_open())
        )
        if wrong:
            self.broken, self.unread = True, head
            return at
        self._head = b""
        self._kind, self._flags, self._stream, self._left = kind, head[4], stream, length
        self._fragment = b""
        self._pad = -1
        return at

    def _block_open(self) -> bool:
        """A header block has begun, and its last frame has not come."""
        return self._kind in _BLOCKS and not self._flags & _END_HEADERS

    def _end_fragment(self) -> bool:
        """Add the frame's part of the header block; True when that was the last."""
        part, kind = self._fragment, self._kind
        if kind != CONTINUATION:
            self._block = b""
            end = len(part)
            start = 0
            if self._flags & _PADDED:
                end -= part[0] if part else 0
                start = 1
            start += 4 if kind == PUSH_PROMISE else 5 if self._flags & _WITH_PRIORITY else 0
            part = cut(part, start, end)
        if len(self._block) <= LONGEST_BLOCK:
            self._block += part
        return bool(self._flags & _END_HEADERS)

    def _take_data(self, piece: bytes) -> None:
        """Leave the padding out."""
        if self._pad < 0:
            self._pad = 0
            if self._flags & _PADDED and piece:
                self._pad, piece = piece[0], piece[1:]
        behind = max(0, self._pad - self._left)
        self.body = piece[: max(0, len(piece) - behind)]

    def _decode(self) -> Block:
        block, self._block, self._fragment = self._block, b"", b""
        if len(block) > LONGEST_BLOCK:
            self.lost = True
        if self.lost:
            return None
        if self._decoder is None:
            self._decoder = import_module("hpack").Decoder(LONGEST_LIST)
            self._decoder.max_allowed_table_size = LARGEST_TABLE
        elif self._shared:
            self._decoder = _copy_decoder(self._decoder)
        self._shared = False
        try:
            return [(bytes(name), bytes(value)) for name, value in self._decoder.decode(block, raw=True)]
        except Exception:  # the library's, and those of Python that damaged blocks lead it to
            self.lost = True
            return None


def _copy_decoder(decoder: Any) -> Any:
    other = import_module("hpack").Decoder(decoder.max_header_list_size)
    other.max_allowed_table_size = decoder.max_allowed_table_size
    old, new = decoder.header_table, other.header_table
    new.maxsize = old.maxsize
    new.dynamic_entries = old.dynamic_entries.copy()
    new._current_size = old._current_size  # it has no other way to be copied
    return other
