"""DroppedPackets: a pcapng file of the packets that a policy does not accept, each with a comment that says why.

Wireshark shows the comment at the packet (``frame.comment``). Source: draft-ietf-opsawg-pcapng, section 3.5
(opt_comment) and 4.3 (Enhanced Packet Block). The link type is LINKTYPE_RAW: packets begin with the IP header.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from dpkt import pcapng

from ..model.verdict import ACCEPT

if TYPE_CHECKING:
    from ..model.packet import Packet
    from ..model.verdict import Verdict

_LINKTYPE_RAW: Final = 101
_SNAPLEN: Final = 262144


class DroppedPackets:
    """Writes packets with a DROP or REJECT verdict to ``path``. A context manager.

    :raises OSError: the file cannot be written
    """

    def __init__(self, path: str | Path) -> None:
        self._file = Path(path).open("wb")  # noqa: SIM115 - closed by __exit__
        interface = pcapng.InterfaceDescriptionBlockLE(snaplen=_SNAPLEN, linktype=_LINKTYPE_RAW)
        self._writer: Any = pcapng.Writer(self._file, idb=interface)
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
        comment = pcapng.PcapngOptionLE(code=pcapng.PCAPNG_OPT_COMMENT, text=comment_of(verdict))
        end = pcapng.PcapngOptionLE(code=pcapng.PCAPNG_OPT_ENDOFOPT)
        block = pcapng.EnhancedPacketBlockLE(pkt_data=packet.data, pkt_len=packet.length, opts=[comment, end])
        self._writer.writepkt(block, packet.time)
        self.packets += 1


def comment_of(verdict: Verdict) -> str:
    """Return the verdict in one line: ``DROP by INPUT[2] (rules): reason``."""
    decider = f"{verdict.rule} ({verdict.plugin})" if verdict.rule else verdict.plugin
    return f"{verdict.action.name} by {decider}: {verdict.reason}"
