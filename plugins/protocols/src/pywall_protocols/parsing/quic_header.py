"""The long header of QUIC (RFC 8999 section 5.1, RFC 9000 section 17.2) and the versions that it names (section 15)."""

from __future__ import annotations

from typing import Final, NamedTuple

from .wire import cut, u32

V1: Final = 1
V2: Final = 0x6B3343CF
_VERSIONS: Final = {V1: "1", V2: "2", 0x709A50C4: "2-draft"}
#: the first three bytes of the versions that Meta's mvfst registered
_MVFST: Final = 0xFACEB0
#: of a version that was made up to be refused (RFC 9000 section 15): 0x?a?a?a?a
INVENTED: Final = 0x0A0A0A0A
_MOST_VERSIONS: Final = 64
#: RFC 9000 section 14.1: bytes of a datagram with a client's Initial, whatever the version (section 6.1 wants them for
#: a version that the server does not know), and of the connection id that a client chooses (section 7.2)
_LEAST_INITIAL: Final = 1200
_LEAST_ID: Final = 8
#: Packets of a datagram that are read: more than fit into one of an ordinary size.
_MOST_PACKETS: Final = 64
INITIAL, ZERO_RTT, HANDSHAKE, RETRY = range(4)


class Header(NamedTuple):
    """A long header: version, connection ids, whether the packet is an Initial, where the token or payload begins."""

    version: int
    dcid: bytes
    scid: bytes
    initial: bool
    end: int


def long_header(datagram: bytes) -> Header | None:
    """Return the long header that ``datagram`` begins with; None where there is none."""
    size = len(datagram)
    if size < 7 or datagram[0] < 0x80:
        return None
    version = u32(datagram, 1)
    kind = datagram[0] >> 4 & 3
    if version & 0xFFFFFF00 == 0x51303400 and version < 0x51303439:  # Q043 to Q048: one byte for both lengths
        lengths = tuple(n + 3 if n else 0 for n in (datagram[5] >> 4, datagram[5] & 15))
        end = 6 + sum(lengths)
        return Header(version, datagram[6 : 6 + lengths[0]], b"", kind == 0, end) if end <= size else None
    at = 6 + datagram[5]
    if datagram[5] > 20 or at >= size or datagram[at] > 20:
        return None
    end = at + 1 + datagram[at]
    # the second id of a Version Negotiation is the one that a client chose (RFC 9000 sections 7.2, 17.2.1)
    if end > size or (version == 0 and not (datagram[at] >= _LEAST_ID and _negotiates(datagram[end:]))):
        return None
    return Header(version, cut(datagram, 6, at), cut(datagram, at + 1, end), kind == (1 if version == V2 else 0), end)


def packets(datagram: bytes) -> tuple[list[tuple[bytes, Header]], bool]:
    """Return the packets with long headers that a datagram begins with (RFC 9000 section 12.2), and whether there are
    more than are read.
    """
    found: list[tuple[bytes, Header]] = []
    rest = datagram
    while rest and rest[0] >= 0x80:
        header = long_header(rest)
        if header is None:
            break
        if len(found) == _MOST_PACKETS:
            return found, True
        end = _packet_end(rest, header)
        found.append((rest[:end], header))
        rest = rest[end:]
    return found, False


def packet_type(packet: bytes, header: Header) -> int:
    """Return what a long header's packet is in this version: INITIAL, ZERO_RTT, HANDSHAKE or RETRY."""
    kind = packet[0] >> 4 & 3
    return (kind + 3) % 4 if header.version == V2 else kind  # RFC 9369 section 3.2


def _packet_end(data: bytes, header: Header) -> int:
    """Return the length of the packet that ``data`` begins with; all of it where the packet does not say."""
    kind = packet_type(data, header)
    if header.version == 0 or kind == RETRY:
        return len(data)
    at = header.end
    if kind == INITIAL:
        token, at = varint(data, at)
        at += token
    length, at = varint(data, at)
    return min(len(data), at + length)


def opens(datagram: bytes, header: Header) -> bool:
    """Return True if a datagram with this header opens a connection, in whatever version: it has the form of an Initial
    and as many bytes.
    """
    return len(datagram) >= _LEAST_INITIAL and is_initial(datagram, header)


def refuses(datagram: bytes, asked: Header) -> bool:
    """Return True if a datagram is a Version Negotiation for this header: it has both ids, swapped (RFC 9000 section
    17.2.1), and a list of versions, of which none need be known.
    """
    head = bytes(4) + bytes([len(asked.scid)]) + asked.scid + bytes([len(asked.dcid)]) + asked.dcid
    listed = len(datagram) - 1 - len(head)
    return datagram[:1] >= b"\x80" and datagram[1 : 1 + len(head)] == head and listed > 0 and listed % 4 == 0


def is_initial(datagram: bytes, header: Header) -> bool:
    """Return True if a datagram has the form of a client's first, in whatever version.

    It has both fixed bits (RFC 9000 section 17.2), a connection id of a client, and either a version that was made up
    to be refused or a token and a length that lie in it.
    """
    if datagram[0] & 0xC0 != 0xC0:
        return False
    if header.version == 0 or len(header.dcid) < _LEAST_ID:
        return False
    if header.version & 0x0F0F0F0F == INVENTED:
        return True
    token, at = varint(datagram, header.end)
    length, at = varint(datagram, at + token)
    return 20 <= length <= len(datagram) - at


def varint(data: bytes, at: int) -> tuple[int, int]:
    """Return a variable-length integer (RFC 9000 section 16) and the offset after it; huge when it is cut."""
    if at >= len(data):
        return 1 << 62, at
    width = 1 << (data[at] >> 6)
    if at + width > len(data):
        return 1 << 62, at
    return int.from_bytes(data[at : at + width], "big") & ((1 << (8 * width - 2)) - 1), at + width


def _negotiates(versions: bytes) -> bool:
    """A list of versions (RFC 9000 section 17.2.1), of which half are known, or made up to be refused."""
    each = [u32(versions, at) for at in range(0, len(versions) - 3, 4)][:_MOST_VERSIONS]
    known = sum(n != 0 and (n & 0x0F0F0F0F == INVENTED or version_name(n) is not None) for n in each)
    return len(versions) % 4 == 0 and 0 < len(each) <= 2 * known


def version_name(version: int) -> str | None:
    """Return a known version as text; None for others."""
    if version in _VERSIONS:
        return _VERSIONS[version]
    if version == 0:
        return "negotiation"
    if version >> 8 == _MVFST:
        return f"mvfst-{version & 0xFF:x}"
    if version >> 8 == 0xFF0000 and 1 <= version & 0xFF <= 34:
        return f"draft-{version & 0xFF}"
    if version >> 24 in b"QT" and version >> 16 & 0xFF == 0x30 and _digit(version >> 8) and _digit(version):
        return version.to_bytes(4, "big").decode()
    return None


def _digit(byte: int) -> bool:
    return 0x30 <= byte & 0xFF <= 0x39
