"""What the tracker reads of a packet, read once.

Compiled, an attribute of an object that another distribution has compiled is looked up by its name, which costs more
than all that is done with it.
"""

from __future__ import annotations

from typing import final

from pywall_core.api import Packet

from .options import u32


@final
class Segment:
    """One TCP segment: ``packet``'s fields under their names, and whether it decoded well (``whole``). The tracker
    has one, and fills it for each packet.
    """

    __slots__ = (
        "ack",
        "data",
        "end",
        "flags",
        "l4",
        "length",
        "packet",
        "seq",
        "start",
        "to_server",
        "whole",
        "window",
    )

    packet: Packet
    data: bytes
    l4: int
    start: int
    end: int
    length: int
    flags: int
    seq: int
    ack: int
    window: int
    to_server: bool
    whole: bool

    def read(self, packet: Packet) -> bool:
        """Take the fields of a packet. Return False where it is no TCP segment."""
        fields = packet.tcp_fields()
        if fields is None:
            return False
        self.packet = packet
        self.data, self.l4, self.start, self.end, self.length, self.flags, self.to_server, self.whole = fields
        if self.whole:  # its header is there
            data, at = self.data, self.l4
            self.seq, self.ack = u32(data, at + 4), u32(data, at + 8)
            self.window = data[at + 14] << 8 | data[at + 15]
        else:
            self.seq, self.ack, self.window = packet.seq, packet.ack, packet.window
        return True

    def payload(self) -> bytes:
        """Return the bytes behind the header."""
        return self.data[self.start : self.end]
