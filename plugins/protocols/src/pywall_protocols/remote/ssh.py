"""Secure Shell, by its identification strings, or by the key exchange where the capture begins after them.

:checked: ``SSH-version-`` at the start of a line; the server's may come after other lines of text, if they are no other
    protocol's greeting; or a whole SSH_MSG_KEXINIT with its ten name lists. Proof is the KEXINIT of both sides, in
    SSH 1 the session key with the cookie of the server's keys
:source: RFC 4253 sections 4.2, 5, 7.1; HASSH (Salesforce, 2018); draft-ylonen-ssh-protocol-00
:minimum: 8 bytes
:facts: client.proto_version, client.software_version, client.hassh.hash, client.hassh.string,
    server.proto_version, server.software_version, server.hassh.hash, server.hassh.string
"""

from __future__ import annotations

import re
from hashlib import md5
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.copies import differing, is_copy
from ..parsing.evidence import alike
from ..parsing.ssh1 import key_exchange
from ..parsing.wire import cut, text, u32

api_version = 1
protocols = ("ssh",)
transport = "tcp"
tier = "exact"
first_client = b"S\0"
first_server = None

#: Bytes of lines before the server's identification, and of an identification (255 by the RFC; some are longer).
PREAMBLE: Final = 4096
IDENTIFICATION: Final = 512
#: RFC 4253 section 6.1: a packet of up to 35000 bytes must be taken.
PACKET: Final = 35000
_MSG_KEXINIT: Final = 20
#: bytes of the two cookies that differ at least
_LEAST_DRAWN: Final = 5

_identification = re.compile(rb"SSH-(\d{1,2}\.\d{1,2})-([^\r\n\0]*)").match
_beginning = re.compile(rb"S(S(H(-(\d{1,2}(\.(\d{1,2})?)?)?)?)?)?\Z").match
_undecided = re.compile(rb"(?:\*|\d{1,3})\Z").match
_preamble = re.compile(rb"(?!\d\d\d[ -]|\* |[+<{])[\t\r\n\x1b -~\x80-\xff]*\Z").match


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect SSH."""
    client_at, client_says = _find(client, lines_before=False)
    server_at, server_says = _find(server, lines_before=True)
    answer = alike("ssh", client_says, server_says)
    if not isinstance(answer, Match):
        return answer
    complete = True
    if client_says is YES:
        complete = _facts(answer.facts, client, client_at, "client", (0, 2, 4, 6))
    if server_says is YES:
        complete = _facts(answer.facts, server, server_at, "server", (0, 3, 5, 7)) and complete
    # the identifications are two lines of text; the key exchange of both sides is the proof
    confirmed = "client.hassh.hash" in answer.facts and "server.hassh.hash" in answer.facts
    if confirmed and _same_cookie(client, client_at, server, server_at):
        confirmed, complete = False, True  # both have drawn one (RFC 4253 section 7.1)
    if client_says is YES and server_says is YES and _agrees_on_1(answer.facts):
        exchange = key_exchange(_behind_line(client, client_at), _behind_line(server, server_at))
        confirmed, complete = exchange is YES, exchange is not MORE
    return Match("ssh", answer.facts, confirmed, done=complete and answer.done)


def _find(data: bytes, lines_before: bool) -> tuple[int, Answer]:
    """Return where the identification (or, without one, the key exchange) begins, and whether it is one."""
    if not data:
        return 0, MORE
    if data[0] == 0:
        return 0, _kexinit_says(data)
    if _identification(data):
        return 0, YES
    if _beginning(data):
        return 0, MORE
    if lines_before and _undecided(data):
        return 0, MORE
    at = data.find(b"\nSSH-", 0, PREAMBLE) + 1
    if not lines_before or not _preamble(data[: at or PREAMBLE]):
        return 0, NO
    if at == 0:
        return 0, MORE if len(data) < PREAMBLE else NO
    if _identification(data, at):
        return at, YES
    return at, MORE if _beginning(data, at) else NO


def _same_cookie(client: bytes, client_at: int, server: bytes, server_at: int) -> bool:
    """Return True if the key exchange of both sides has one cookie and says nearly the same; or just the same, where
    the identifications say nearly the same.
    """
    one, other = (
        _behind_line(data, at) if _identification(data, at) else data[at:]
        for data, at in ((client, client_at), (server, server_at))
    )
    end = 4 + u32(one, 0) if len(one) > 4 else 0
    if differing(one[6:22], other[6:22]) >= _LEAST_DRAWN or not is_copy(one[:end], other[:end]):
        return False
    if one[:end] != other[:end]:
        return True
    lines = cut(client, client_at, len(client) - len(one)), cut(server, server_at, len(server) - len(other))
    return lines[0] != lines[1] and is_copy(*lines)


def _agrees_on_1(facts: dict[str, Any]) -> bool:
    """Return True if both sides speak SSH 1, and one of them nothing else."""
    versions = {facts.get("client.proto_version", ""), facts.get("server.proto_version", "")}
    return all(version.startswith("1.") for version in versions) and versions != {"1.99"}


def _behind_line(data: bytes, at: int) -> bytes:
    end = data.find(b"\n", at)
    return data[end + 1 :] if end >= 0 else b""


def _kexinit_says(data: bytes) -> Answer:
    """YES for a KEXINIT packet as far as its first name list."""
    if len(data) < 26:
        return NO if len(data) > 1 and data[1] else MORE
    length = u32(data, 0)
    first = u32(data, 22)
    if length > PACKET or not 4 <= data[4] < length or data[5] != _MSG_KEXINIT or not 3 < first < length:
        return NO
    names = data[26 : 26 + first]
    if len(names) < first:
        return MORE
    return YES if b"-" in names and names.isascii() and names.decode().isprintable() else NO


def _facts(facts: dict[str, Any], data: bytes, at: int, side: str, lists: tuple[int, int, int, int]) -> bool:
    """Add what this side says of itself; True when nothing more can be learnt of it."""
    packet = at
    version = b"2.0"
    found = _identification(data, at)
    if found:
        end = data.find(b"\n", at, at + IDENTIFICATION)
        if end < 0:
            return len(data) >= at + IDENTIFICATION
        version, software = found.groups()
        facts[f"{side}.proto_version"] = version.decode()
        facts[f"{side}.software_version"] = text(software.split(b" ")[0])
        packet = end + 1
    if version[:2] == b"1." and version != b"1.99":
        return True
    if len(data) < packet + 6:
        return False
    end = packet + 4 + u32(data, packet)
    if data[packet + 5] != _MSG_KEXINIT or end > packet + 4 + PACKET:
        return True
    if len(data) < end:
        return False
    names = _name_lists(data, packet + 22, end)
    if names is not None:
        string = b";".join(names[n] for n in lists)
        facts[f"{side}.hassh.hash"] = md5(string, usedforsecurity=False).hexdigest()
        facts[f"{side}.hassh.string"] = text(string)
    return True


def _name_lists(data: bytes, at: int, end: int) -> list[bytes] | None:
    """Return the first eight name lists of a KEXINIT: key exchange, host key, ciphers, MACs, compression, both ways
    each.
    """
    names = []
    for _ in range(8):
        if at + 4 > end:
            return None
        length = u32(data, at)
        at += 4
        if at + length > end:
            return None
        names.append(data[at : at + length])
        at += length
    return names
