"""Captures: pcap and pcapng files, packet by packet.

Sources: draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng. pcap files one behind the other, as ``cat`` leaves them, are
read as one capture, as sections of pcapng are. A file that ends in the middle of a packet, or does not keep to the
format, gives what can be read and then one :class:`CaptureError`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from struct import Struct
from typing import BinaryIO, Final

from .capture_file import UnreadableError, open_capture, read_some
from .link import Unwrap, link_type_text, unwrapper

#: number in the file from 1, seconds since 1970, the bytes from the IP header on or None, why there are none
Record = tuple[int, float, bytes | None, str]

#: what libpcap allows a packet to be at most (MAXIMUM_SNAPLEN), and a block of pcapng
_MAX_PACKET: Final = 262144
_MAX_BLOCK: Final = 16 << 20
_MAX_INTERFACES: Final = 65536
#: magic number: byte order, seconds of one unit of the time stamp's second field, length of a packet's header
_MAGIC: Final = {
    bytes.fromhex("a1b2c3d4"): (">", 1e-6, 16),
    bytes.fromhex("d4c3b2a1"): ("<", 1e-6, 16),
    bytes.fromhex("a1b23c4d"): (">", 1e-9, 16),
    bytes.fromhex("4d3cb2a1"): ("<", 1e-9, 16),
    bytes.fromhex("a1b2cd34"): (">", 1e-6, 24),  # Kuznetsov's patch: interface and protocol follow the lengths
    bytes.fromhex("34cdb2a1"): ("<", 1e-6, 24),
}
#: where a packet's lengths are, a file header has its time zone and accuracy, which are zero
_NO_PACKET: Final = bytes(8)
_SECTION: Final = bytes.fromhex("0a0d0d0a")
_INTERFACE, _OBSOLETE_PACKET, _SIMPLE_PACKET, _ENHANCED_PACKET = 1, 2, 3, 6


class CaptureError(Exception):
    """A capture cannot be read (further); the text is one line and begins with the path."""


def read(path: str | Path) -> Iterator[Record]:
    """Yield all packets of a capture, in the file's order. ``-`` is standard input; gzip, xz, bzip2 and zstd are
    decompressed.

    :raises CaptureError: at the point from which on nothing can be read: no such file, no capture, cut off, damaged.
    """
    try:
        with open_capture(path) as file:
            magic = file.read(4)
            if magic in _MAGIC:
                yield from _pcap(file, *_MAGIC[magic])
            elif magic == _SECTION:
                yield from _Pcapng(file).packets()
            elif not magic:
                raise _DamagedError("the file is empty")
            else:
                raise _DamagedError("neither a pcap nor a pcapng file")
    except (_DamagedError, UnreadableError) as damage:
        raise CaptureError(f"{path}: {damage}") from None
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror or error}") from None


class _DamagedError(Exception):
    """What is wrong with the file."""


def _unwrap(linktype: int) -> tuple[Unwrap, str]:
    """Return how frames of a link type are unwrapped; for one that we don't know, the reason that all its frames
    get.
    """
    known = unwrapper(linktype)
    if known is not None:
        return known, ""
    reason = link_type_text(linktype)
    return lambda frame: reason, reason


def _pcap(file: BinaryIO, order: str, unit: float, header: int) -> Iterator[Record]:
    unwrap, most = _file_header(file.read(20), order)
    little = order == "<"
    buffer = b""
    at = number = 0
    while True:
        if at + header > len(buffer):
            buffer = buffer[at:]
            buffer += read_some(file, header - len(buffer))
            at = 0
            if not buffer:
                return
        number += 1
        if len(buffer) < at + header:
            raise _DamagedError(f"cut off in the header of packet {number}")
        seconds, fraction, size = _u32(buffer, at, little), _u32(buffer, at + 4, little), _u32(buffer, at + 8, little)
        if size == 0 and buffer[at : at + 4] in _MAGIC and buffer[at + 8 : at + 16] == _NO_PACKET:
            order, unit, header = _MAGIC[buffer[at : at + 4]]
            buffer = buffer[at + 4 :]
            if len(buffer) < 20:
                buffer += read_some(file, 20 - len(buffer))
            unwrap, most = _file_header(buffer[:20], order)
            little = order == "<"
            at = 20
            number -= 1
            continue
        if size > most:
            raise _DamagedError(f"damaged: packet {number} claims {size} bytes")
        at += header
        if at + size > len(buffer):
            buffer = buffer[at:]
            buffer += read_some(file, size - len(buffer))
            at = 0
            if len(buffer) < size:
                raise _DamagedError(f"cut off in packet {number}: {len(buffer)} of {size} bytes are there")
        found = unwrap(buffer[at : at + size])
        at += size
        if isinstance(found, bytes):
            yield number, seconds + fraction * unit, found, ""
        else:
            yield number, seconds + fraction * unit, None, found


def _file_header(head: bytes, order: str) -> tuple[Unwrap, int]:
    """Return how frames are unwrapped and how many bytes one may have, by the 20 bytes behind the magic number."""
    if len(head) < 20:
        raise _DamagedError("cut off in the file header")
    major, minor, _, _, snaplen, network = Struct(order + "HHiIII").unpack(head)
    if major != 2:
        raise _DamagedError(f"pcap version {major}.{minor} is not known")
    unwrap, _ = _unwrap(network & 0xFFFF)  # the upper bits are the frame check sequence's and reserved
    return unwrap, max(_MAX_PACKET, min(snaplen, _MAX_BLOCK))


def _u32(data: bytes, at: int, little: bool) -> int:
    one, two, three, four = data[at], data[at + 1], data[at + 2], data[at + 3]
    if little:
        return one | two << 8 | three << 16 | four << 24
    return one << 24 | two << 16 | three << 8 | four


class _Interface:
    """One interface description block: how its packets are unwrapped and its time stamps read."""

    __slots__ = ("offset", "snaplen", "unit", "unwrap")

    def __init__(self, linktype: int, snaplen: int) -> None:
        self.unwrap, _ = _unwrap(linktype)
        self.snaplen = snaplen
        self.unit = 1e-6
        self.offset = 0


class _Pcapng:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._order = ""
        self._interfaces: list[_Interface] = []
        self._number = 0
        self._time = 0.0

    def packets(self) -> Iterator[Record]:
        """Yield all packets of all sections. The file is read up to the first block's type."""
        kind_bytes = _SECTION
        while True:
            if kind_bytes == _SECTION:
                self._section()
            else:
                kind = int.from_bytes(kind_bytes, "big" if self._order == ">" else "little")
                record = self._block(kind)
                if record is not None:
                    yield record
            kind_bytes = self._file.read(4)
            if not kind_bytes:
                return
            if len(kind_bytes) < 4:
                raise _DamagedError(f"cut off after packet {self._number}")

    def _section(self) -> None:
        head = self._read(8)
        if head[4:] == bytes.fromhex("1a2b3c4d"):
            self._order = ">"
        elif head[4:] == bytes.fromhex("4d3c2b1a"):
            self._order = "<"
        else:
            raise _DamagedError("damaged: a section without byte-order magic")
        order = self._order
        self._u32 = Struct(order + "I").unpack_from
        self._enhanced = Struct(order + "IIIII").unpack_from
        self._obsolete = Struct(order + "HHIIII").unpack_from
        self._two = Struct(order + "HH").unpack_from
        self._interfaces = []
        (length,) = self._u32(head)
        body = self._body(length, 8)
        major, minor = self._two(body)
        if major != 1:
            raise _DamagedError(f"pcapng version {major}.{minor} is not known")

    def _block(self, kind: int) -> Record | None:
        (length,) = self._u32(self._read(4))
        body = self._body(length, 4)
        if kind == _ENHANCED_PACKET:
            if len(body) < 20:
                raise _DamagedError(f"damaged: packet {self._number + 1} in a block of {length} bytes")
            interface, high, low, size, _ = self._enhanced(body)
            return self._packet(interface, high << 32 | low, body[20:], size)
        if kind == _INTERFACE:
            self._describe(body)
        elif kind == _SIMPLE_PACKET:
            if len(body) < 4:
                raise _DamagedError(f"damaged: packet {self._number + 1} in a block of {length} bytes")
            (size,) = self._u32(body)
            snaplen = self._interfaces[0].snaplen if self._interfaces else 0
            return self._packet(0, None, body[4:], min(size, snaplen) if snaplen else size)
        elif kind == _OBSOLETE_PACKET:
            if len(body) < 20:
                raise _DamagedError(f"damaged: packet {self._number + 1} in a block of {length} bytes")
            interface, _, high, low, size, _ = self._obsolete(body)
            return self._packet(interface, high << 32 | low, body[20:], size)
        return None

    def _packet(self, number: int, stamp: int | None, data: bytes, size: int) -> Record:
        self._number += 1
        if size > len(data):
            raise _DamagedError(f"damaged: packet {self._number} claims {size} bytes, its block has {len(data)}")
        if number >= len(self._interfaces):
            return self._number, self._time, None, "undescribed interface"
        interface = self._interfaces[number]
        if stamp is not None:  # a simple packet has no time: it gets that of the one before
            self._time = interface.offset + stamp * interface.unit
        found = interface.unwrap(data[:size])
        if isinstance(found, bytes):
            return self._number, self._time, found, ""
        return self._number, self._time, None, found

    def _describe(self, body: bytes) -> None:
        if len(body) < 8:
            raise _DamagedError("damaged: an interface description that is too short")
        if len(self._interfaces) >= _MAX_INTERFACES:
            raise _DamagedError(f"damaged: more than {_MAX_INTERFACES} interfaces")
        interface = _Interface(self._two(body)[0], self._u32(body, 4)[0])
        at = 8
        while at + 4 <= len(body):
            code, length = self._two(body, at)
            value = body[at + 4 : at + 4 + length]
            at += 4 + length + -length % 4
            if code == 0 or len(value) < length:
                break
            if code == 9 and length == 1:  # if_tsresol
                exponent = value[0] & 127
                interface.unit = 2.0**-exponent if value[0] & 128 else 10.0**-exponent
            elif code == 14 and length == 8:  # if_tsoffset
                order = "big" if self._order == ">" else "little"
                interface.offset = int.from_bytes(value, order, signed=True)  # type: ignore[arg-type]
        self._interfaces.append(interface)

    def _body(self, length: int, read: int) -> bytes:
        """Return the rest of a block of which ``read`` bytes after the type are read, without the length at its end."""
        if length % 4 or length < 8 + read or length > _MAX_BLOCK:
            raise _DamagedError(f"damaged: a block of {length} bytes after packet {self._number}")
        body = self._read(length - 4 - read)
        (again,) = self._u32(body, len(body) - 4)
        if again != length:
            raise _DamagedError(
                f"damaged: a block of {length} bytes that ends as one of {again} after packet {self._number}"
            )
        return body[:-4]

    def _read(self, size: int) -> bytes:
        data = self._file.read(size)
        if len(data) < size:
            raise _DamagedError(f"cut off after packet {self._number}")
        return data
