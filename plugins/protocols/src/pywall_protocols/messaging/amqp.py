"""Advanced Message Queuing Protocol 0-8 to 1.0, by the protocol header and the first frame.

:checked: ``AMQP`` and a known version; a method frame that begins a connection; in an open connection frames of known
    methods with the frame end
:source: AMQP 0-9-1 sections 2.3.5 and 4.2, AMQP 1.0 part 2.2 and 2.3, part 5.2 (TLS)
:minimum: 8 bytes
:facts: version
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import belonging
from ..parsing.evidence import HINT, Description, Evidence, client_first, goes_on
from ..parsing.wire import u16, u32

api_version = 1
protocols = ("amqp",)
transport = "tcp"
tier = "exact"
first_client = b"A\x01"
first_server = b"A\x01"

_VERSIONS: Final = {
    b"AMQP\0\0\x09\x01": "0-9-1",
    b"AMQP\1\1\x00\x09": "0-9",
    b"AMQP\1\1\x00\x0a": "0-10",
    b"AMQP\1\1\x08\x00": "0-8",
    b"AMQP\1\1\x09\x01": "0-9-1",
    b"AMQP\0\1\0\0": "1.0",
    b"AMQP\2\1\0\0": "1.0",
    b"AMQP\3\1\0\0": "1.0",
}
_TLS: Final = b"AMQP\2\1\0\0"
_CLASSES: Final = frozenset({10, 20, 40, 50, 60, 85, 90})
_FRAME_END: Final = 0xCE
_FRAME_HEADER: Final = 7
#: bytes of a frame as they are compared: those of a long one are cut, its end stands where they end
_MOST: Final = 4096


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect AMQP; hand over to TLS behind its protocol header."""
    # the header of version 1.0 is answered with itself; behind that of TLS another protocol proves itself
    proved = client[:8] == _TLS or (goes_on(client, server, 8) and _belongs(client, server))
    return client_first("amqp", _side(client), _side(server), _describe, client, server, proved=proved)


def _describe(client: bytes, server: bytes) -> Description:
    version = _VERSIONS.get(client[:8])
    facts: dict[str, Any] = {"version": version} if version else {}
    restart = (8, 8) if client[:8] == _TLS == server[:8] else None
    return Description(facts, restart=restart)


def _belongs(client: bytes, server: bytes) -> bool:
    """Return True if frames of an open connection are none of the other side's, or answer one."""
    if client[:1] != b"\1" or server[:1] != b"\1":
        return True
    return belonging(client, server, _FRAME_HEADER, _size, _method, _follows, _MOST)


def _size(data: bytes) -> int:
    return u32(data, 3) + 8


def _method(frame: bytes) -> Evidence:
    """Return facts of a frame of a method."""
    says = _side(frame)
    return {} if says is YES or says is HINT else NO


def _follows(one: bytes, other: bytes) -> bool:
    """What answers a method on its channel has the next number (AMQP 0-9-1 section 1.3)."""
    return one[1:3] == other[1:3] and u32(other, 7) == u32(one, 7) + 1


def _side(data: bytes) -> Evidence:
    if not data:
        return MORE
    if data[0] == ord("A"):
        if len(data) < 8:
            return MORE if any(header.startswith(data) for header in _VERSIONS) else NO
        return YES if data[:8] in _VERSIONS else NO
    if len(data) < 9:
        return MORE
    size = u32(data, 3)
    if data[0] != 1 or not 4 <= size <= 1 << 17 or u16(data, 7) not in _CLASSES:
        return NO
    if len(data) < size + 8:
        return MORE if len(data) < 4096 else HINT
    return YES if data[size + 7] == _FRAME_END else NO
