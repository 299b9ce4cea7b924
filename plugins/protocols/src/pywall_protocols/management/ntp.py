"""Network Time Protocol, versions 1 to 4, with its control and private messages.

:checked: mode and version; of time messages the stratum, poll, precision, and root delay and dispersion below 256 s; of
    control messages (mode 6) operation and length; of private ones (mode 7) implementation, request and item lengths
:source: RFC 5905 section 7.3; RFC 9327 section 2 (mode 6); ntpd's ntp_request.h (mode 7); RFC 1059 (version 1)
:minimum: 8 bytes, 48 for time messages
:facts: version, mode, stratum
"""

from __future__ import annotations

from typing import Final

from pywall_core.api import NO, Answer, Flow, Match, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import Evidence, by_datagram
from ..parsing.wire import u16

api_version = 1
protocols = ("ntp",)
transport = "udp"
tier = "structural"
first_client = bytes(n for n in range(256) if n & 7 and 0x08 <= n & 0x38 <= 0x20)
first_server = None

_CLIENT: Final = 3
#: client and server, symmetric active with passive, with active, or with a server
_PAIRS: Final = ((_CLIENT, 4), (1, 2), (1, 1), (1, 4))
_CONTROL: Final = 6
_PRIVATE: Final = 7
_TIME: Final = 48
_MAX_STRATUM: Final = 16
#: signed bytes: 2^-7 s to 2^17 s, and precision from 2^-32 s to 1 s; 32 stands for "not said" (data minimisation)
_POLLS: Final = frozenset((*range(18), *range(0xF9, 0x100)))
_PRECISIONS: Final = frozenset((*range(0xE0, 0x100), 0, 1, 0x20))
#: bytes of key identifier and digest (72: of Windows, MS-SNTP 2.2.3); only the identifier: the other's was wrong
_AUTHENTICATORS: Final = (0, 4, 20, 24, 36, 52, 68, 72)
_LEAST_EXTENSION: Final = 16
_MAX_REQUEST: Final = 46
#: bytes of a private request: its data, padding, time and authenticator
_MAX_PRIVATE: Final = 216


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect NTP."""
    return by_datagram("ntp", _message, flow, client, server, _belong, always=True)


def _belong(one: bytes, other: bytes) -> bool:
    """The answer has the time at which the question was sent (RFC 5905 section 8), or its number."""
    mode = one[0] & 7
    if mode == other[0] & 7 == _CONTROL:
        return (one[1] ^ other[1]) & 0x9F == 0x80 and one[2:4] == other[2:4]
    if mode == other[0] & 7 == _PRIVATE:
        return (one[0] ^ other[0]) & 0x80 != 0 and one[2:4] == other[2:4]
    if (mode, other[0] & 7) not in _PAIRS:
        return False
    origin = other[24:32]  # interleaved (RFC 9769) it is another of the question's times
    if any(origin):
        return origin in (one[24:32], one[32:40], one[40:48])
    if mode != _CLIENT:
        return False
    # there was no time, or the server does not repeat it: then it says what it is and where it has its own from
    tells = one[1] != other[1] and one[12:16] != other[12:16]
    return tells or not (any(one[40:48]) and is_copy(one, other))


def _message(data: bytes) -> Evidence:
    size = len(data)
    if size < 8:
        return NO
    mode = data[0] & 7
    version = data[0] >> 3 & 7
    if mode == _CONTROL:
        holds = 2 <= version <= 4 and size >= 12 and _is_control(data, size)
    elif mode == _PRIVATE:
        holds = 1 <= version <= 4 and _is_private(data, size)
    else:
        holds = size >= _TIME and size % 4 == 0 and 1 <= version <= 4 and mode != 0 and _is_time(data, mode)
    if not holds:
        return NO
    return {"version": version, "mode": mode, **({"stratum": data[1]} if mode < _CONTROL else {})}


def _is_time(data: bytes, mode: int) -> bool:
    return (
        data[1] <= _MAX_STRATUM
        and data[2] in _POLLS
        and data[3] in _PRECISIONS
        and (data[4] == 0 or data[4] == 0xFF)  # root delay was signed in version 3
        and data[8] == 0
        and (mode == _CLIENT or any(data[40:44]))
        and _is_trailer(data)
    )


def _is_trailer(data: bytes) -> bool:
    """Extension fields (RFC 7822) and an authenticator, or neither, behind the time."""
    at = _TIME
    while (rest := len(data) - at) not in _AUTHENTICATORS:
        length = u16(data, at + 2)
        if not _LEAST_EXTENSION <= length <= rest or length % 4:
            return False
        at += length
    return True


def _is_control(data: bytes, size: int) -> bool:
    response = data[1] & 0x80
    if data[0] & 0xC0 or (not 0 < (data[1] & 0x1F) <= 12 and data[1] & 0x1F != 31):
        return False
    if not response and (data[1] & 0x60 or u16(data, 4) or u16(data, 8)):
        return False
    rest = size - 12 - u16(data, 10)
    return 0 <= rest <= 40


def _is_private(data: bytes, size: int) -> bool:
    items, length = u16(data, 4) & 0x0FFF, u16(data, 6)
    if data[2] not in (2, 3) or data[3] > _MAX_REQUEST or data[4] >> 4 > 7 or length > 0x0FFF:
        return False
    used = 8 + items * length
    if data[0] & 0x80:
        return used <= size <= used + 40
    return data[4] >> 4 == 0 and items <= 1 and used <= size <= _MAX_PRIVATE
