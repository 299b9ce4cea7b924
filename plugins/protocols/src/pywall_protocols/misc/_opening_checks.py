"""What a client's first message must satisfy beside its fixed bytes: sizes that fill it, checksums, words."""

from __future__ import annotations

import re
from binascii import a2b_base64, crc32, crc_hqx
from typing import Final

from ..parsing.inner import ip_packet
from ..parsing.wire import u16, u32

#: highest type of a part of MikroTik's neighbour discovery
_MNDP_TYPES: Final = 32
_address: Final = re.compile(rb"[\w.:\[\]-]+:\d{1,5}\0|[\w.:\[\]-]{16}").match
_metric: Final = re.compile(
    rb"(?:[\w.:-]{1,200}:[-+]?[\d.]+\|(?:c|g|ms|s|h|d)(?:\|@[\d.]+)?(?:\|#[\w.:,/-]*)?\n?)+\Z"
).match
_printer: Final = re.compile(rb"[0-9a-f]{1,8} [0-9a-f]{1,2} ipps?://").match
_base64: Final = re.compile(rb"(?=.*[a-z])(?=.*[A-Z])[A-Za-z0-9+/]{39}[AQgw]\Z").match
_event: Final = re.compile(rb"[a-z_.]{3,64},env=[a-z]+,circuit=[\w-]+,application=").match


def has_messages(data: bytes) -> bool:
    """OLSR: messages whose sizes fill the packet."""
    at = 4
    while at + 12 <= len(data):
        size = u16(data, at + 2)
        if size < 12 or not data[at]:
            return False
        at += size
    return at == len(data)


def is_uftp(data: bytes) -> bool:
    return data[1] < 22 and data[16] == data[1]


def has_crc(data: bytes) -> bool:
    """Ether-S-Bus: the checksum of the telegram is its end."""
    return crc_hqx(data[:-2], 0) == u16(data, len(data) - 2)


def is_reflected(data: bytes) -> bool:
    """Telegram's calls: 12 bytes of ones, or 16. Silence in RTP has longer runs, and ones in front of them."""
    behind = data[28:]
    return data[15] != 255 and len(behind) - len(behind.lstrip(b"\xff")) in (0, 4)


def is_trdp(data: bytes) -> bool:
    """TRDP: the header's checksum, little-endian, at its end."""
    end = 36 if data[6:7] == b"P" else 112
    return len(data) >= end + 4 and crc32(data[:end]) == int.from_bytes(data[end : end + 4], "little")


def is_tunnelled(data: bytes) -> bool:
    """GRE in UDP (RFC 8086): an IP packet that ends with the datagram."""
    return ip_packet(data, 4)


def has_two_lengths(data: bytes) -> bool:
    """The Elder Scrolls Online: the message's length, and behind a word the body's."""
    return u32(data, 8) + 8 == u32(data, 0)


def is_transport_stream(data: bytes) -> bool:
    """MPEG: packets of 188 bytes that all begin alike."""
    return len(data) % 188 == 0 and not data[::188].strip(b"\x47")


def is_flute(data: bytes) -> bool:
    at = data[2] * 4
    return b"<?xml" in data[at : at + 24] and b"<FDT" in data[at : at + 120]


def is_glbp(data: bytes) -> bool:
    """GLBP: the fields behind the header fill the datagram."""
    at = 12
    while at + 2 <= len(data) and data[at + 1] >= 2:
        at += data[at + 1]
    return at == len(data) > 12


def is_discovery(data: bytes) -> bool:
    """Ethereum: kind and RLP list behind hash and signature, the list fills the datagram."""
    if not 1 <= data[97] <= 6 or data[98] < 0xC0 or data[96] > 1:
        return False
    width = data[98] - 0xF7
    if width <= 0:
        return 99 + data[98] - 0xC0 == len(data)
    return 99 + width + int.from_bytes(data[99 : 99 + width], "big") == len(data)


def is_raft(data: bytes) -> bool:
    size = int.from_bytes(data[16:24], "little")
    return 8 <= size <= 256 and size % 8 == 0 and _address(data[24:40]) is not None


def is_counted(data: bytes) -> bool:
    """MQTT-SN: the datagram's length, and a CONNECT with its flags and protocol identifier."""
    return data[0] == len(data) and not data[2] & 0xF3 and data[3] == 1


def is_event(data: bytes) -> bool:
    """Gaijin: an event's name, and the labels that all of them begin with."""
    return _event(data[:200]) is not None


def is_statsd(data: bytes) -> bool:
    return _metric(data[:2000]) is not None


def is_bmp(data: bytes) -> bool:
    """BMP: an initiation and its first information, or what is said of a peer."""
    if data[5] == 4:
        return u16(data, 6) <= 4 and u16(data, 8) <= u32(data, 1) - 10
    return data[6] <= 3 and u32(data, 1) >= 48


def is_neighbour(data: bytes) -> bool:
    """MNDP: parts, each with its type and length, to the end."""
    at = 4
    while at + 4 <= len(data) and 1 <= u16(data, at) <= _MNDP_TYPES:
        at += 4 + u16(data, at + 2)
    return at == len(data)


def is_printer(data: bytes) -> bool:
    """CUPS: kind and state of a printer, and where it is."""
    return _printer(data[:64]) is not None


def is_license_search(data: bytes) -> bool:
    """Sentinel HASP: 29 bytes and a zero, in base64."""
    return _base64(data) is not None and not a2b_base64(data)[-1]


def has_bsap_message(data: bytes) -> bool:
    """BSAP: the size of its first message, and no more behind it where that is the only one."""
    if len(data) < 17 or not data[2]:
        return len(data) == 14 and not data[2] and not data[4]
    end = 14 + int.from_bytes(data[14:16], "little")
    return 17 <= end == len(data) if data[2] == 1 else 17 <= end < len(data)
