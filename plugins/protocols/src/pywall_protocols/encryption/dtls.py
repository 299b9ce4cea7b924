"""Datagram TLS 1.0 to 1.3, by its record headers.

:checked: every record header of the first datagram of a side: type, version, epoch, a length that ends in the
    datagram; in epoch 0 that a handshake message's fragment lies within its record
:source: RFC 9147 sections 4, 5; RFC 6347 sections 4.1, 4.2
:minimum: one datagram of 14 bytes
:facts: version, sni, client_alpns, ech, ja3.hash, ja3.string, ja4, cipher
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing import client_hello
from ..parsing.evidence import alike
from ..parsing.wire import datagrams, first_datagram, u16, u24

api_version = 1
protocols = ("dtls",)
transport = "udp"
tier = "exact"
first_client = first_server = b"\x14\x15\x16\x17\x18\x19"

ALERT, HANDSHAKE = 21, 22
CLIENT_HELLO, SERVER_HELLO, HELLO_VERIFY_REQUEST = 1, 2, 3
#: 0x0100 is what OpenSSL sent before 0.9.8f (Cisco AnyConnect does so still).
VERSIONS: Final = {0xFEFF: "DTLS 1.0", 0xFEFD: "DTLS 1.2", 0xFEFC: "DTLS 1.3", 0x0100: "DTLS 1.0"}
_RECORD: Final = 13
_MESSAGE: Final = 12


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect DTLS."""
    client_says = _says(first_datagram(client, flow.client_sizes))
    answer = alike("dtls", client_says, _says(first_datagram(server, flow.server_sizes)))
    if not isinstance(answer, Match):
        return answer
    facts: dict[str, Any] = {}
    body = _message(datagrams(client, flow.client_sizes), CLIENT_HELLO)
    hello = client_hello.read(body, "d")
    if hello is not None:
        facts.update(hello[1])
    body = _message(datagrams(server, flow.server_sizes), SERVER_HELLO)
    if len(body) >= 38 and 37 + body[34] <= len(body):
        _server_hello(facts, body)
    complete = "cipher" in facts or (hello is None and client_says is YES)
    confirmed = hello is not None and answer.confirmed and _answers(first_datagram(server, flow.server_sizes))
    return Match("dtls", facts, confirmed, done=answer.done and complete)


def begins_again(datagram: bytes) -> bool:
    """Return whether a datagram begins a ClientHello for sure: servers pass over what was sent before it."""
    hello = datagram[:1] == bytes([HANDSHAKE]) and _says(datagram) is YES and u16(datagram, 3) == 0
    return hello and datagram[_RECORD] == CLIENT_HELLO and u24(datagram, _RECORD + 6) == 0


def _says(datagram: bytes) -> Answer:
    """YES for a datagram of well-formed records."""
    at, size = 0, len(datagram)
    if not size:
        return MORE
    while at < size:
        if at + _RECORD > size or not 20 <= datagram[at] <= 25 or u16(datagram, at + 1) not in VERSIONS:
            return YES if at and 0x20 <= datagram[at] < 0x40 else NO  # DTLS 1.3's short header
        end = at + _RECORD + u16(datagram, at + 11)
        epoch = u16(datagram, at + 3)
        if end > size or end == at + _RECORD or epoch > 255:
            return NO
        if datagram[at] == HANDSHAKE and epoch == 0 and not _fragment_fits(datagram, at + _RECORD, end):
            return NO
        at = end
    return YES


def _answers(datagram: bytes) -> bool:
    """Return True if the datagram begins with a server's answer to a ClientHello in the clear, or with an alert (7
    bytes).
    """
    if u16(datagram, 3):
        return False
    if datagram[0] == ALERT:
        return u16(datagram, 11) == 2 and datagram[13] in (1, 2)
    return datagram[0] == HANDSHAKE and datagram[_RECORD] in (SERVER_HELLO, HELLO_VERIFY_REQUEST)


def _fragment_fits(datagram: bytes, at: int, end: int) -> bool:
    if at + _MESSAGE > end or datagram[at] > 24:
        return False
    length, offset, fragment = u24(datagram, at + 1), u24(datagram, at + 6), u24(datagram, at + 9)
    return offset + fragment <= length and at + _MESSAGE + fragment <= end


def _message(packets: Iterable[bytes], wanted: int) -> bytes:
    """Return the body of the last whole ClientHello or ServerHello (a cookie makes a client repeat its), fragments
    joined.
    """
    found = b""
    parts: dict[int, bytes] = {}
    for datagram in packets:
        at = 0
        while at + _RECORD + _MESSAGE <= len(datagram) and datagram[at] == HANDSHAKE and u16(datagram, at + 3) == 0:
            start = at + _RECORD
            at = start + u16(datagram, at + 11)
            if datagram[start] != wanted:
                continue
            offset, fragment = u24(datagram, start + 6), u24(datagram, start + 9)
            if offset == 0:
                parts = {}
            parts[offset] = datagram[start + _MESSAGE : start + _MESSAGE + fragment]
            joined = b"".join(parts[key] for key in sorted(parts))
            if len(joined) == u24(datagram, start + 1):
                found = joined
    return found


def _server_hello(facts: dict[str, Any], body: bytes) -> None:
    at = 35 + body[34]
    version = u16(body, 0)
    facts["cipher"] = f"0x{u16(body, at):04x}"
    at += 5
    while at + 4 <= len(body):
        kind, length = u16(body, at), u16(body, at + 2)
        if kind == client_hello.SUPPORTED_VERSIONS and length == 2 and at + 6 <= len(body):
            version = u16(body, at + 4)
        at += 4 + length
    facts["version"] = VERSIONS.get(version, f"0x{version:04x}")
