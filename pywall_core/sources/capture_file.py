"""Opening captures: a path or ``-`` for standard input; gzip, xz, bzip2 and zstd are decompressed while they are read.

The compression is told by the first bytes, not by the name. Sources: RFC 1952 (gzip), the xz file format, RFC 8878
(zstd).
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

#: bytes that are read at once
CHUNK: Final = 1 << 20

_GZIP: Final = b"\x1f\x8b"
_XZ: Final = b"\xfd7zXZ\x00"
_BZIP2: Final = b"BZh"
_ZSTD: Final = b"\x28\xb5\x2f\xfd"
#: what the decompressors raise for damaged input; zstd's own error class is added when it is used
_damage: tuple[type[Exception], ...] = (zlib.error, lzma.LZMAError, gzip.BadGzipFile, EOFError)

#: name of standard input as a capture
STDIN: Final = "-"


class UnreadableError(Exception):
    """A compressed capture cannot be decompressed; the text is the reason, without the path."""


@contextmanager
def open_capture(path: str | Path) -> Iterator[BinaryIO]:
    """Open a capture for reading, decompressed.

    :raises OSError: the file cannot be opened or read
    :raises UnreadableError: the compressed data are damaged or cut off, or nothing installed can decompress them
    """
    with ExitStack() as stack:
        if str(path) == STDIN:
            file: BinaryIO = sys.stdin.buffer
        else:
            file = stack.enter_context(Path(path).open("rb", buffering=CHUNK))
        opened = _decompressed(cast(io.BufferedReader, file))
        if opened is not file:
            opened = cast(BinaryIO, stack.enter_context(io.BufferedReader(cast(Any, opened), CHUNK)))
        try:
            yield opened
        except _damage as error:
            raise UnreadableError(f"compressed data damaged or cut off: {error}") from None


def _decompressed(file: io.BufferedReader) -> Any:
    # peek may give less than asked for when a pipe brings its first bytes one by one
    magic = file.peek(6)[:6]
    if magic.startswith(_GZIP):
        return gzip.GzipFile(fileobj=file)
    if magic.startswith(_XZ):
        return lzma.LZMAFile(file)
    if magic.startswith(_BZIP2):
        return bz2.BZ2File(file)
    if magic.startswith(_ZSTD):
        return _zstd(file)
    return file


def _zstd(file: io.BufferedReader) -> Any:
    try:
        import zstandard
    except ImportError:
        raise UnreadableError(
            "compressed with zstd: `pip install zstandard`, or decompress it with `zstd -d`"
        ) from None
    global _damage
    if zstandard.ZstdError not in _damage:
        _damage = (*_damage, zstandard.ZstdError)
    return _ZstdReader(zstandard.ZstdDecompressor(), file)


class _ZstdReader(io.RawIOBase):
    """Frames of zstd, one after the other. The library's own reader takes a file that is cut off for one that ends.

    :raises EOFError: on reading where the file ends inside a frame
    """

    def __init__(self, decompressor: Any, file: BinaryIO) -> None:
        self._decompressor = decompressor
        self._file = cast(io.BufferedReader, file)
        self._frame: Any = None
        self._compressed = b""
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while not self._ready:
            data = self._compressed or self._file.read1(CHUNK)
            self._compressed = b""
            if not data:
                if self._frame is not None:
                    raise EOFError("the file ends inside a zstd frame")
                return 0
            if self._frame is None:
                self._frame = self._decompressor.decompressobj()
            self._ready = memoryview(self._frame.decompress(data))
            if self._frame.eof:
                self._compressed = self._frame.unused_data
                self._frame = None
        size = min(len(buffer), len(self._ready))
        buffer[:size] = self._ready[:size]
        self._ready = self._ready[size:]
        return size


def read_some(file: BinaryIO, wanted: int) -> bytes:
    """Return at least ``wanted`` bytes unless the file ends before, and what else can be had without waiting.

    A plain ``read`` of a large block would hold back packets that a running ``tcpdump -w -`` has already written.
    """
    read1 = cast(io.BufferedReader, file).read1
    data = read1(CHUNK)
    if len(data) >= wanted or not data:
        return data
    parts = [data]
    have = len(data)
    while have < wanted:
        data = read1(CHUNK)
        if not data:
            break
        parts.append(data)
        have += len(data)
    return b"".join(parts)
