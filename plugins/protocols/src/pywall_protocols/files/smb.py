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

from ..parsing.copies import belonging
from ..parsing.evidence import Description, Evidence, client_first
from ..parsing.wire import starts, u24

api_version = 1
protocols = ("smb",)
transport = "tcp"
tier = "exact"
first_client = b"\0\x85"
first_server = b"\0\x85"

_VERSIONS: Final = {b"\xffSMB": 1, b"\xfeSMB": 2}
_DIALECTS: Final = {0x0202: "2.02", 0x0210: "2.10", 0x02FF: "2.??", 0x0300: "3.00", 0x0302: "3.02", 0x0311: "3.11"}
#: length, and the header of version 1 as far as it is looked at
_HEADER, _SHOWN = 36, 40
_OLD, _OLD_NEGOTIATE, _NEGOTIATE = 0xFF, 0x72, 0
#: flags of responses in version 1 and 2
_REPLY, _RESPONSE = 0x80, 1
_KEEP_ALIVE: Final = b"\x85\0\0\0"
_MAGIC: Final = (b"\xffSMB", b"\xfeSMB", b"\xfdSMB", b"\xfcSMB")


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SMB."""
    client, server = _behind_keep_alives(client), _behind_keep_alives(server)
    proved = client[4:8] in _VERSIONS and server[4:8] in _VERSIONS  # what is encrypted or compressed may be anything
    proved = proved and belonging(client, server, _HEADER, _size, _is_clear, _belong, _SHOWN)
    return client_first("smb", _side(client), _side(server), _describe, client, server, proved=proved)


def _is_clear(data: bytes) -> Evidence:
    return {} if data[4:8] in _VERSIONS else NO


def _size(data: bytes) -> int:
    return 4 + u24(data, 1)


def _belong(one: bytes, other: bytes) -> bool:
    """A request and a response to its command; who asks for dialects of version 1 may be answered in version 2 (MS-CIFS
    section 2.2.3.1, MS-SMB2 sections 2.2.1, 3.3.5.3.1)."""
    if other[4] == _OLD:
        return one[4] == _OLD and one[8] == other[8] and one[13] & _REPLY == 0 != other[13] & _REPLY
    if not other[20] & _RESPONSE:
        return False
    if one[4] == _OLD:
        return one[8] == _OLD_NEGOTIATE and other[16] == _NEGOTIATE
    return not one[20] & _RESPONSE and one[16:18] == other[16:18]


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
