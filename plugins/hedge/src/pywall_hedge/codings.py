"""Content codings decoded piece by piece, within bounds: gzip, deflate, and with their libraries br and zstd.

:source: RFC 9110 section 8.4.1, RFC 1950 to 1952, RFC 7692 section 7.2.2, RFC 7932, RFC 8878
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final

MOST_CODINGS: Final = 3
PIECE: Final = 65536
"""Bytes that are given at a time."""
RATIO, SLACK = 200, 1 << 20
"""Bytes out for each byte in, and bytes beyond them, that are decoded: what grows more is a bomb."""

Step = Callable[[bytes], Iterator[bytes]]


class Decoder:
    """Decodes codings one after the other. What is not what the coding says is given as it is, from there on. `bomb`:
    the bytes grow without bound, and nothing more is decoded.
    """

    def __init__(self, steps: list[Step]) -> None:
        self._steps = steps
        self._room = SLACK
        self.bomb = False

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what the next bytes decode to."""
        if self.bomb:
            return
        self._room += RATIO * len(data)
        try:
            for piece in self._run(data, self._steps):
                self._room -= len(piece)
                if self._room < 0:
                    self.bomb = True
                    return
                yield piece
        except Exception:  # each library has its own
            self._steps = []
            yield data

    def _run(self, data: bytes, steps: list[Step]) -> Iterator[bytes]:
        if not steps:
            yield data
            return
        for piece in steps[0](data):
            yield from self._run(piece, steps[1:])


def decoder(codings: str) -> Decoder:
    """Return the decoder of the codings, named as in Content-Encoding in the order in which they were applied.

    It decodes the outermost `MOST_CODINGS`, up to the first that is not known here (or whose library is not there);
    what is inside of that is given as it is.
    """
    names = [name.strip() for name in codings.lower().split(",") if name.strip()]
    steps: list[Step] = []
    for name in names[: -MOST_CODINGS - 1 : -1]:
        maker = _MAKERS.get(name.removeprefix("x-"))
        step = maker() if maker is not None else None
        if step is None:
            break
        steps.append(step)
    return Decoder(steps)


class _Inflate:
    """zlib with a wrapper that its first bytes tell (RFC 1950), or none, or gzip's members one after the other."""

    def __init__(self, bits: int | None) -> None:
        self._bits = bits
        self._inflate: Any = None

    def __call__(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inflate is None:
                self._inflate = zlib.decompressobj(self._wrapper(data) if self._bits is None else self._bits)
            piece = self._inflate.decompress(data, PIECE)
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:
                data = self._inflate.unused_data
                self._inflate = None
                if data and not (self._bits == 31 and data[0] == 0x1F):
                    self._inflate = _Raw()

    @staticmethod
    def _wrapper(data: bytes) -> int:
        """Servers say deflate for both: with zlib's header and without."""
        whole = len(data) > 1 and (data[0] << 8 | data[1]) % 31 == 0
        return 15 if data[0] & 0x0F == 8 and (whole or len(data) == 1) else -15


class _Raw:
    """What follows the end of what was coded."""

    eof, unused_data, unconsumed_tail = False, b"", b""

    def decompress(self, data: bytes, _: int) -> bytes:
        return data


def _brotli() -> Step | None:
    try:
        reader = import_module("brotli").Decompressor()
        reader.process(b"", output_buffer_limit=PIECE)  # since 1.2
    except Exception:
        return None

    def decode(data: bytes) -> Iterator[bytes]:
        yield reader.process(data, output_buffer_limit=PIECE)
        while not reader.can_accept_more_data():
            yield reader.process(b"", output_buffer_limit=PIECE)

    return decode


def _zstd() -> Step | None:
    try:
        library = import_module("zstandard")
    except ImportError:
        return None
    reader = library.ZstdDecompressor(max_window_size=1 << 23).decompressobj(read_across_frames=True)

    def decode(data: bytes) -> Iterator[bytes]:
        for at in range(0, len(data), 64):  # the library bounds no output: so few bytes have at most 2 MiB
            yield reader.decompress(data[at : at + 64])

    return decode


_MAKERS: dict[str, Callable[[], Step | None]] = {
    "gzip": lambda: _Inflate(31),
    "deflate": lambda: _Inflate(None),
    "permessage-deflate": lambda: _Inflate(-15),
    "br": _brotli,
    "zstd": _zstd,
}
