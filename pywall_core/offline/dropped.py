"""DroppedPackets: a pcapng file of the packets that a policy does not accept, each with a comment that says why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..events.emitter import comment_of
from ..events.packets import file_head, packet_block
from .whole_file import WholeFile

if TYPE_CHECKING:
    from ..model.packet import Packet
    from ..model.verdict import Verdict


class DroppedPackets:
    """Writes packets, those with a DROP or REJECT verdict, to ``path``. A context manager.

    The file is there when it is closed; on an exception there is none. ^C is no exception: it ends a live stream.

    :raises OSError: the file cannot be written
    """

    def __init__(self, path: str | Path) -> None:
        self._whole = WholeFile(path)
        self._file = self._whole.part.open("wb")
        self._wanted = True
        self._file.write(file_head())
        #: packets written
        self.packets = 0

    def __enter__(self) -> DroppedPackets:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._file.close()
            if self._wanted and kind in (None, KeyboardInterrupt):
                self._whole.publish()
        finally:
            self._whole.discard()

    def discard(self) -> None:
        """Leave no file when this is closed."""
        self._wanted = False

    def add(self, packet: Packet, verdict: Verdict) -> None:
        """Take one packet with its verdict."""
        self.add_block(block_of(packet, verdict))

    def add_block(self, block: bytes) -> None:
        """Take one packet as :func:`block_of` makes it."""
        self._file.write(block)
        self.packets += 1


def block_of(packet: Packet, verdict: Verdict) -> bytes:
    """Return a packet as a block of the file, with its verdict as a comment."""
    return packet_block(packet.data, packet.time, comment_of(verdict))
