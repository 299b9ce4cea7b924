"""From a captured frame to the IP packet in it, by link type.

Each unwrapper takes a frame and gives the bytes from the IP header on, or a short text: why there is no IP packet.
Sources: www.tcpdump.org/linktypes.html; IEEE 802.3 and 802.1Q; RFC 1042 (SNAP), 1661 and 1662 (PPP), 2516 (PPPoE),
3032 (MPLS); IEEE 802.1ah (backbone bridges), 802.11 section 9 (frames); Cisco TrustSec (metadata); Linux,
nfnetlink_log.h (NFLOG).
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import Final

Unwrap = Callable[[bytes], bytes | str]

_U16: Final = Struct("!H").unpack_from
_LE32: Final = Struct("<I").unpack_from
_U16S: Final = Struct("!HH").unpack_from
_LE16S: Final = Struct("<HH").unpack_from

_IP: Final = frozenset({0x0800, 0x86DD})
_VLAN: Final = frozenset({0x8100, 0x88A8, 0x9100, 0x9200})
_MPLS: Final = frozenset({0x8847, 0x8848})
_PPPOE_SESSION: Final = 0x8864
#: backbone bridges: an instance tag of four bytes, and the addresses of the frame within
_BACKBONE: Final = 0x88E7
_BACKBONE_SIZE: Final = 16
#: Cisco's metadata: a version, and how many options of four bytes follow
_METADATA: Final = 0x8909
_NAMES: Final = {
    0x0806: "arp", 0x8035: "rarp", 0x8863: "pppoe.discovery", 0x88CC: "lldp", 0x888E: "eapol", 0x8808: "pause",
    0x9000: "loopback test", 0x2000: "cdp",
}  # fmt: skip
#: address family numbers of IPv4 and of IPv6 on Linux, NetBSD and OpenBSD, FreeBSD, macOS
_FAMILIES: Final = frozenset({2, 10, 24, 28, 30})
#: link types that captures have and nothing here reads, as www.tcpdump.org/linktypes.html names them
_UNREAD: Final = {
    119: "IEEE 802.11, Prism header", 163: "IEEE 802.11, AVS header", 192: "PPI", 187: "Bluetooth HCI",
    201: "Bluetooth HCI", 251: "Bluetooth LE", 256: "Bluetooth LE", 189: "USB, Linux", 220: "USB, Linux",
    249: "USB, Windows", 195: "IEEE 802.15.4", 230: "IEEE 802.15.4", 197: "ERF", 227: "CAN", 253: "netlink", 265: "NFC",
    147: "of a user",
}  # fmt: skip
#: shims (VLAN tags, MPLS labels, PPPoE) in a row beyond which a frame is not looked into
_MAX_SHIMS: Final = 16
#: IEEE 802.11: kind of a data frame, and that of one with a quality of service; bits of the second byte
_DATA: Final = 0x08
_QUALITY: Final = 0x80
_BETWEEN_POINTS: Final = 0x03
_PROTECTED: Final = 0x40
_ORDER: Final = 0x80
#: NFLOG: the attribute that is the packet, and how many are looked at
_NFULA_PAYLOAD: Final = 9
_MAX_ATTRIBUTES: Final = 64


def unwrapper(linktype: int) -> Unwrap | None:
    """Return the unwrapper of a link type of pcap (LINKTYPE_...), None for one that we don't know."""
    return _UNWRAPPERS.get(linktype)


def link_type_text(linktype: int) -> str:
    """Return what frames of a link type without an unwrapper are called: ``link type 105 (IEEE 802.11)``."""
    name = _UNREAD.get(linktype)
    return f"link type {linktype} ({name})" if name else f"link type {linktype}"


def ethernet(frame: bytes) -> bytes | str:
    """Ethernet II and IEEE 802.3, with tags."""
    kind = frame[12:14]
    if kind == b"\x08\x00" or kind == b"\x86\xdd":
        return frame[14:]
    return _by_type(frame, 12)


def _by_type(frame: bytes, at: int) -> bytes | str:
    """Return what an EtherType (or 802.3 length) at ``at`` announces."""
    for _ in range(_MAX_SHIMS):
        if at + 2 > len(frame):
            return "short"
        (kind,) = _U16(frame, at)
        at += 2
        if kind in _IP:
            return frame[at:] or "short"
        if kind in _VLAN:
            at += 2
        elif kind == _BACKBONE:
            at += _BACKBONE_SIZE
        elif kind == _METADATA and at + 2 <= len(frame):
            at += 2 + 4 * frame[at + 1]
        elif kind in _MPLS:
            return _mpls(frame, at)
        elif kind == _PPPOE_SESSION:
            return _ppp_protocol(frame, at + 6)
        elif kind < 0x0600:
            if frame[at : at + 6] != b"\xaa\xaa\x03\0\0\0":
                return _llc(frame, at)
            at += 6
        else:
            return _NAMES.get(kind) or f"ethertype 0x{kind:04x}"
    return "too many tags"


def _llc(frame: bytes, at: int) -> bytes | str:
    """IEEE 802.2 without SNAP of RFC 1042: IP has the service access point 6."""
    if frame[at : at + 3] == b"\x06\x06\x03":
        return frame[at + 3 :]
    if frame[at : at + 2] == b"\x42\x42":
        return "stp"
    return "llc" if at + 3 <= len(frame) else "short"


def _mpls(frame: bytes, at: int) -> bytes | str:
    """Return a label stack. It does not say what follows; the IP version does."""
    while at + 4 < len(frame):
        bottom = frame[at + 2] & 1
        at += 4
        if bottom:
            return frame[at:] if frame[at] >> 4 in (4, 6) else "mpls payload"
    return "short"


def _ppp_protocol(frame: bytes, at: int) -> bytes | str:
    """Return a PPP protocol field, possibly compressed to one byte (RFC 1661 section 6.5)."""
    if at + 2 > len(frame):
        return "short"
    kind = frame[at]
    if kind & 1:
        at += 1
    else:
        (kind,) = _U16(frame, at)
        at += 2
    if kind in (0x21, 0x57):
        return frame[at:] or "short"
    if kind in (0x0281, 0x0283):
        return _mpls(frame, at)
    return f"ppp 0x{kind:04x}"


def _ppp(frame: bytes) -> bytes | str:
    """PPP, with or without address and control (RFC 1662 section 3.1), or Cisco HDLC, which some files call PPP."""
    head = frame[:2]
    if head in (b"\x0f\x00", b"\x8f\x00"):
        return _by_type(frame, 2)
    return _ppp_protocol(frame, 2 if head == b"\xff\x03" else 0)


def _null(frame: bytes) -> bytes | str:
    """BSD loopback: an address family of four bytes in the order of the machine that captured."""
    if len(frame) < 5:
        return "short"
    (family,) = _LE32(frame)
    if family > 0xFFFF:
        family = int.from_bytes(frame[:4], "big")
    known = family in _FAMILIES or frame[4] >> 4 in (4, 6)  # some writers put an EtherType there
    return frame[4:] if known else f"address family {family}"


def _raw(frame: bytes) -> bytes | str:
    return frame or "short"


def _cooked(at: int, header: int) -> Unwrap:
    """Linux cooked capture: the protocol at ``at``; the link-layer header is ``header`` bytes long."""

    def unwrap(frame: bytes) -> bytes | str:
        if len(frame) <= header:
            return "short"
        (kind,) = _U16(frame, at)
        if kind in _IP:
            return frame[header:]
        if kind == 0x0001:  # 802.3 without a length: Novell
            return "ipx"
        if kind == 0x0004:
            return _llc(frame, header)
        return _by_type(frame[at : at + 2] + frame[header:], 0)

    return unwrap


def _wireless(frame: bytes) -> bytes | str:
    """IEEE 802.11: data frames that are not encrypted, with LLC behind the header."""
    if len(frame) < 24:
        return "short"
    control, flags = frame[0], frame[1]
    if control & 0x0F != _DATA or control & 0x40:  # management, control, and data frames without data
        return "802.11 without data"
    if flags & _PROTECTED:
        return "802.11 encrypted"
    at = 30 if flags & _BETWEEN_POINTS == _BETWEEN_POINTS else 24
    if control & _QUALITY:
        at += 6 if flags & _ORDER else 2
    if frame[at : at + 6] == b"\xaa\xaa\x03\0\0\0":
        return _by_type(frame, at + 6)
    return _llc(frame, at)


def _radiotap(frame: bytes) -> bytes | str:
    """A header of the radio, whose length is little-endian, before the frame; the radio may have padded the frame's."""
    size = int.from_bytes(frame[2:4], "little")
    return _wireless(frame[size:]) if 8 <= size < len(frame) else "short"


def _nflog(frame: bytes) -> bytes | str:
    """Attributes of Linux' log of netfilter, in the order of the machine that captured; the packet is one of them."""
    at = 4
    for _ in range(_MAX_ATTRIBUTES):
        if at + 4 > len(frame):
            return "short"
        size, kind = _LE16S(frame, at)
        if size > len(frame) - at:
            size, kind = _U16S(frame, at)
        if not 4 <= size <= len(frame) - at:
            return "short"
        if kind & 0x7FFF == _NFULA_PAYLOAD:
            return frame[at + 4 : at + size] or "short"
        at += size + 3 & ~3
    return "nflog"


_UNWRAPPERS: Final[dict[int, Unwrap]] = {
    0: _null,
    108: _null,
    1: ethernet,
    9: _ppp,
    50: _ppp,
    51: lambda frame: _ppp_protocol(frame, 6),
    204: lambda frame: _ppp(frame[1:]),
    104: lambda frame: _by_type(frame, 2),
    12: _raw,
    14: _raw,
    101: _raw,
    228: _raw,
    229: _raw,
    8: lambda frame: frame[16:] or "short",
    105: _wireless,
    127: _radiotap,
    239: _nflog,
    113: _cooked(14, 16),
    276: _cooked(0, 20),
}
