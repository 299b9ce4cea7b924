"""CRC-16, low bit first, as serial protocols have it at the end of a message."""

from __future__ import annotations

from typing import Final, final


@final
class Crc16:
    """A CRC-16 by its polynomial (low bit first), what it begins with, and what it is turned over by at the end."""

    __slots__ = ("_begin", "_end", "_remainders")

    def __init__(self, polynomial: int, begin: int = 0, end: int = 0) -> None:
        self._begin = begin
        self._end = end
        self._remainders = tuple(_remainder(byte, polynomial) for byte in range(256))

    def of(self, data: bytes) -> int:
        """Return the checksum of ``data``, 0 to 65535."""
        crc = self._begin
        for byte in data:
            crc = crc >> 8 ^ self._remainders[(crc ^ byte) & 0xFF]
        return crc ^ self._end

    def ends(self, data: bytes) -> bool:
        """Return True if the last two bytes of ``data`` are the checksum of those before, low byte first."""
        return len(data) > 2 and self.of(data[:-2]) == data[-1] << 8 | data[-2]


def _remainder(byte: int, polynomial: int) -> int:
    for _ in range(8):
        byte = byte >> 1 ^ (polynomial if byte & 1 else 0)
    return byte


#: of Modbus RTU, section 2.5.1.2
MODBUS: Final = Crc16(0xA001, 0xFFFF)
#: of IEEE 1815
DNP3: Final = Crc16(0xA6BC, 0, 0xFFFF)
#: of X.25, and of IEC 62056-46
X25: Final = Crc16(0x8408, 0xFFFF, 0xFFFF)
