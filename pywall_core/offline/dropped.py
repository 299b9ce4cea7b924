"""DroppedPackets: a pcapng file of the packets that a policy does not accept, each with a comment that says why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..events.emitter import comment_of
from ..events.packets import file_head, packet_block
from ..model.verdict import ACCEPT

if TYPE_CHECKING:
    from ..model.packet import Packet
    from ..model.verdict import Verdict


class DroppedPackets:
    """Writes packets with a DROP or REJECT verdict to ``path``. A context manager.

    :raises OSError: the file cannot be written
    """

    def __init__(self, path: str | Path) -> None:
        self._file = Path(path).open("wb")  # noqa: SIM115 - closed by __exit__
        self._file.write(file_head())
        #: packets written
        self.packets = 0

    def __enter__(self) -> DroppedPackets:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def seen(self, packet: Packet, verdict: Verdict) -> None:
        """Take one packet with its verdict."""
        if verdict.action is ACCEPT:
            return
        self._file.write(packet_block(packet.data, packet.time, comment_of(verdict)))
        self.packets += 1
