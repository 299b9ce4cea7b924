"""Server Message Block 1, 2 and 3, direct over TCP.

:checked: session packet with the magic of SMB1, SMB2, an encrypted or a compressed message; confirmed by messages of
    both sides in clear
:source: MS-SMB 2.1, MS-SMB2 2.1 and 2.2.1, RFC 1002 section 4.3.6
:minimum: 8 bytes
:facts: version, dialect
"""

from __future__ import annotations

from typing import Any, Final

from pywall_core.api import MORE, NO, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Description, Evidence, belonging, client_first
from ..parsing.wire import starts

api_version = 1
protocols = ("smb",)
transport = "tcp"
tier = "exact"
first_client = b"\0\x85"
first_server = b"\0\x85"

_VERSIONS: Final = {b"\xffSMB": 1, b"\xfeSMB": 2}
_DIALECTS: Final = {0x0202: "2.02", 0x0210: "2.10", 0x02FF: "2.??", 0x0300: "3.00", 0x0302: "3.02", 0x0311: "3.11"}
_OLD, _OLD_NEGOTIATE = 0xFF, 0x72
#: of version 2: the first two bytes of responses' bodies, by command (MS-SMB2 section 2.2); 9 is an error
_BODIES: Final = {
    **dict.fromkeys((0,), (65, 9)),
    **dict.fromkeys((1, 8, 14, 15, 16), (9,)),
    **dict.fromkeys((2, 4, 7, 10, 12, 13), (4, 9)),
    3: (16, 9),
    5: (89, 9),
    6: (60, 9),
    9: (17, 9),
    11: (49, 9),
    17: (2, 9),
    18: (24, 36, 44, 9),
}
_KEEP_ALIVE: Final = b"\x85\0\0\0"
_MAGIC: Final = (b"\xffSMB", b"\xfeSMB", b"\xfdSMB", b"\xfcSMB")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SMB."""
    client, server = _behind_keep_alives(client), _behind_keep_alives(server)
    proved = client[4:8] in _VERSIONS and server[4:8] in _VERSIONS  # what is encrypted or compressed may be anything
    proof = proved and belonging(client, server, 40, _size, _belong)
    return client_first("smb", _side(client), _side(server), _describe, client, server, proved=proof)


def _size(data: bytes) -> int:
    """The bytes of a message that are looked at: it need not be there to its end."""
    return min(max(4 + int.from_bytes(data[1:4], "big"), 40), len(data))


def _belong(one: bytes, other: bytes) -> bool:
    """A request and the response with its number and command, whose body has the form of a response.

    An old client's question about dialects may be answered with version 2 (MS-SMB2 section 3.3.5.3.1).
    """
    if len(other) < 68 or other[4] == _OLD:
        both = (
            one[4] == other[4] == _OLD
            and one[8] == other[8]
            and one[30:32] == other[30:32]
            and one[34:36] == other[34:36]
        )
        return both and not one[13] & 0x80 and bool(other[13] & 0x80) and _is_old_body(other)
    if not other[20] & 1 or int.from_bytes(other[68:70], "little") not in _BODIES.get(other[16], ()):
        return False
    if one[4] == _OLD:
        return one[8] == _OLD_NEGOTIATE and other[16:18] == b"\0\0"
    return not one[20] & 1 and one[16:18] == other[16:18] and one[28:36] == other[28:36]


def _is_old_body(message: bytes) -> bool:
    """Words and bytes, each behind its count, end where the message ends (MS-CIFS section 2.2.3)."""
    at = 37 + 2 * message[36]
    end = 4 + int.from_bytes(message[1:4], "big")
    return at + 2 <= end and at + 2 + int.from_bytes(message[at : at + 2], "little") <= end and at <= len(message)


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    if server[4:8] in _VERSIONS:
        facts["version"] = _VERSIONS[server[4:8]]
    if len(server) >= 74 and server[4] == 0xFE and server[16:18] == b"\0\0":
        facts["dialect"] = _DIALECTS.get(int.from_bytes(server[72:74], "little"), "unknown")
    return Description(facts, done=len(server) >= 74)


def _behind_keep_alives(data: bytes) -> bytes:
    """Return what follows NetBIOS session keep-alives (RFC 1002 section 4.3.6), as after a pause."""
    while data.startswith(_KEEP_ALIVE):
        data = data[len(_KEEP_ALIVE) :]
    return b"" if _KEEP_ALIVE.startswith(data) else data


def _side(data: bytes) -> Evidence:
    if data[:1] not in (b"", b"\0") or data[1:2] > b"\1":
        return NO
    return starts(data[4:], *_MAGIC) if len(data) > 3 else MORE
