"""Packets as blocks of a pcapng file, each with a comment that says why it is there, and a bounded ring of such files.

Wireshark shows the comment at the packet (``frame.comment``). Source: draft-ietf-opsawg-pcapng, section 3.5
(opt_comment) and 4.3 (Enhanced Packet Block). The link type is LINKTYPE_RAW: packets begin with the IP header.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Final

from dpkt import pcapng

from .outputs import Output

_LINKTYPE_RAW: Final = 101
_SNAPLEN: Final = 262144


def file_head() -> bytes:
    """Return what a file begins with: a section header and one interface."""
    interface = pcapng.InterfaceDescriptionBlockLE(snaplen=_SNAPLEN, linktype=_LINKTYPE_RAW)
    return bytes(pcapng.SectionHeaderBlockLE()) + bytes(interface)


def packet_block(data: bytes, seconds: float, comment: str) -> bytes:
    """Return one IP packet with its time (seconds since the epoch) and comment."""
    microseconds = round(seconds * 1e6)
    options = [
        pcapng.PcapngOptionLE(code=pcapng.PCAPNG_OPT_COMMENT, text=comment),
        pcapng.PcapngOptionLE(code=pcapng.PCAPNG_OPT_ENDOFOPT),
    ]
    block = pcapng.EnhancedPacketBlockLE(
        ts_high=microseconds >> 32, ts_low=microseconds & 0xFFFFFFFF, pkt_data=data, opts=options
    )
    return bytes(block)


class PacketRing(Output):
    """At most ``files`` files of ``size`` bytes: the newest is ``path``, older ones are ``path.1``, ``path.2`` ...

    Each time it is opened, a new file is begun. A block is never cut by the bound.
    """

    def __init__(self, path: str, size: int, files: int) -> None:
        self.path = Path(path)
        self.name = path
        self._size = size
        self._files = files
        self._file: BinaryIO | None = None
        self._written = 0

    def open(self) -> None:
        self.close()
        self._shift()
        self._file = os.fdopen(os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640), "wb")
        self._put(file_head())

    def write(self, lines: list[bytes], hurry: Callable[[], bool]) -> int:
        for block in lines:
            if self._written + len(block) > self._size:
                self.open()
            self._put(block)
        assert self._file is not None
        self._file.flush()
        return len(lines)

    def close(self) -> None:
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
            self._written = 0

    def _put(self, data: bytes) -> None:
        assert self._file is not None
        self._file.write(data)
        self._written += len(data)

    def _shift(self) -> None:
        """Make room for a new file; the oldest one goes."""
        names = [self.path, *(Path(f"{self.path}.{number}") for number in range(1, self._files))]
        for older, newer in zip(reversed(names), reversed(names[:-1]), strict=False):
            with suppress(FileNotFoundError):
                newer.replace(older)
        with suppress(FileNotFoundError):
            self.path.unlink()  # there is only room for one
