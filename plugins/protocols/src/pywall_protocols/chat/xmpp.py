"""Extensible Messaging and Presence Protocol, by the stream header.

:checked: an element ``stream:stream`` in the namespace of streams, after an XML declaration or not; in an open
    connection stanzas of both sides
:source: RFC 6120 sections 4.7, 4.8 and 5.4 (STARTTLS)
:minimum: the stream header up to its namespace
:facts: to, from
"""

from __future__ import annotations

import re
from typing import Any, Final

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, TransactionParser, hookimpl

from ..parsing.copies import is_copy
from ..parsing.evidence import HINT, Description, Evidence, client_first
from ..parsing.wire import text
from ..transactions.chat import XmppDialogue

api_version = 1
protocols = ("xmpp",)
transport = "tcp"
tier = "exact"
first_client = b"< \t\r\n"
first_server = b"< \t\r\n"

_HEADER: Final = re.compile(
    rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?<(?:stream:stream|flash:stream|stream)\s[^>]{0,2000}?"
    rb"(?:etherx\.jabber\.org/streams|jabber:(?:client|server|component))"
)
_OPENING: Final = re.compile(rb"\s*(?:<\?xml[^>]{0,200}\?>\s*)?<(?:stream:stream|flash:stream|stream)\s([^>]{0,4000})>")
_ATTRIBUTE: Final = re.compile(rb"\b(to|from)\s*=\s*(?:'([^']*)'|\"([^\"]*)\")")
_ID: Final = re.compile(rb"\sid=")
_STARTTLS: Final = re.compile(
    rb"<starttls\s[^>]{0,200}urn:ietf:params:xml:ns:xmpp-tls[^>]{0,200}?(?:/>|>\s*</starttls>)"
)
_PROCEED: Final = re.compile(rb"<proceed\s[^>]{0,200}urn:ietf:params:xml:ns:xmpp-tls[^>]{0,200}?(?:/>|>\s*</proceed>)")
#: in the middle of a connection
_STANZA: Final = re.compile(rb"<(?:iq|presence|message)(?=[^>]{0,1000}\s(?:to|from|id|type)=['\"])[^>]{1,1000}>")
_BEGIN: Final = (
    b"<?xml",
    b"<stream:stream",
    b"<stream",
    b"<flash:stream",
    b"<iq ",
    b"<presence ",
    b"<message ",
    b"</stream:stream>",
)
_LIMIT: Final = 2400


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect XMPP; hand over to TLS behind ``proceed``."""
    return client_first(
        "xmpp", _side(client), _side(server), _describe, client, server, proved=_is_reply(client, server)
    )


def _is_reply(client: bytes, server: bytes) -> bool:
    """Return False where a server says nearly what the client says; its header has the stream's id, the client's has
    none (RFC 6120 section 4.7.3)."""
    header, reply = _header(client), _header(server)
    return not is_copy(header, reply) or (_ID.search(header) is None and _ID.search(reply) is not None)


def _header(data: bytes) -> bytes:
    """Return what is said up to the end of the first element's tag."""
    return data[: data.find(b">", data.find(b"?>", 0, _LIMIT) + 2, _LIMIT) + 1] or data[:_LIMIT]


@hookimpl
def pywall_transactions(flow: Flow) -> TransactionParser:
    """Find <starttls/> whenever it comes."""
    return XmppDialogue()


def _describe(client: bytes, server: bytes) -> Description:
    facts: dict[str, Any] = {}
    opening = _OPENING.match(client)
    if opening:
        facts = {found[1].decode(): text(found[2] or found[3] or b"") for found in _ATTRIBUTE.finditer(opening[1])}
    asked, agreed = _STARTTLS.search(client), _PROCEED.search(server)
    restart = (asked.end(), agreed.end()) if asked and agreed else None
    done = asked is None and opening is not None and b"<auth " in client
    return Description(facts, done, restart)


def _side(data: bytes) -> Evidence:
    if not data:
        return MORE
    if _HEADER.match(data) or data.startswith(b"</stream:stream>"):
        return YES
    if _STANZA.match(data):
        return HINT
    start = data[:_LIMIT].lstrip()
    if len(data) >= _LIMIT:
        return NO
    if any(start.startswith(word) or word.startswith(start) for word in _BEGIN):
        return MORE
    return NO
