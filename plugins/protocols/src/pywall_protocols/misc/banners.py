"""Protocols whose server speaks first, with a greeting that nothing else begins with.

:checked: the beginning of the greeting; a command by which its clients answer
:source: Checkmk handbook, agent output (checkmk); Munin, network protocol for data exchange (munin); Kismet, drone and
    client protocol (kismet); Asterisk Manager Interface (asterisk-ami); FreeSWITCH, mod_event_socket (freeswitch); NBD,
    proto.md (nbd); vtun, auth.c (vtun); NMDC (directconnect); OpenVPN management-notes.txt (openvpn-management);
    Ganglia gmond (ganglia); Unison file synchronizer (unison); gpsd_json(5) (gpsd)
:minimum: 6 to 75 bytes of the server
:facts: none
"""

from __future__ import annotations

import re
from typing import Final, NamedTuple

from pywall_core.api import MORE, NO, YES, Answer, Flow, Match, hookimpl

from ..parsing.evidence import Evidence, begins, server_first
from ..parsing.wire import LF
from ..transactions.hello_watch import watch_for_tls

api_version = 1
transport = "tcp"
tier = "server_first"
speaks_first = "server"


class Greeting(NamedTuple):
    """How a server greets. ``client`` finds what its clients say then; None: they say nothing, or nothing of their own,
    and the name is never confirmed. ``first`` are the bytes that they may begin with."""

    name: str
    server: bytes
    client: re.Pattern[bytes] | None = None
    first: bytes = b""


GREETINGS: Final = (
    Greeting("checkmk", b"<<<check_mk>>>\n"),
    Greeting(
        "munin", b"# munin node at ", re.compile(rb"(?:cap|list|nodes|config|fetch|version|quit)\b.*\n"), b"clnfvq"
    ),
    Greeting("kismet", b"*KISMET: ", re.compile(rb"!\d+ [A-Z]+ "), b"!"),
    Greeting("asterisk-ami", b"Asterisk Call Manager/", re.compile(rb"(?i:action): ?\w+\r\n"), b"aA"),
    Greeting("freeswitch", b"Content-Type: auth/request\n", re.compile(rb"auth [^\n]*\n"), b"a"),
    Greeting("nbd", b"NBDMAGIC", re.compile(rb"\0\0\0[\0-\3]IHAVEOPT"), b"\0"),
    Greeting("directconnect", b"$Lock ", re.compile(rb"\$(?:MyNick|Supports|Key|ValidateNick) "), b"$"),
    Greeting("vtun", b"VTUN server ver ", re.compile(rb"HOST: [!-~]+\n"), b"H"),
    Greeting("unison", b"Unison 2.", re.compile(rb"VERSION \d+\n|\x01\0\0\0.{6}rsp", re.DOTALL), b"V\1"),
    Greeting("gpsd", b'{"class":"VERSION","release":"', re.compile(rb"\?[A-Z]{2,10}[=;]"), b"?"),
    Greeting("openvpn-management", b">INFO:OpenVPN Management Interface"),
    Greeting("ganglia", b'<?xml version="1.0" encoding="ISO-8859-1" standalone="yes"?>\n<!DOCTYPE GANGLIA_XML'),
)
protocols = tuple(sorted({each.name for each in GREETINGS}))
#: names that recordings of real pairs show
_SEEN: Final = frozenset(("gpsd", "munin", "nbd", "unison", "vtun"))
unseen = tuple(sorted({each.name for each in GREETINGS if each.client is not None} - _SEEN))
first_client = None
first_server = bytes(sorted({each.server[0] for each in GREETINGS}))

_FIRSTS: Final = b"".join(each.first for each in GREETINGS)
#: bytes of a client's first line
_LINE: Final = 256
#: bytes of a client that is not greeted yet
_MOST_UNGREETED: Final = 1024


@hookimpl
def pywall_detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    """Detect the protocols of the table."""
    if not server:
        return NO if client and (client[0] not in _FIRSTS or len(client) > _MOST_UNGREETED) else MORE
    for greeting in GREETINGS:
        greets = begins(server, greeting.server)
        if greets is not NO:
            return server_first(greeting.name, _says(client, greeting), greets, silent=False)
    return NO


pywall_transactions = watch_for_tls


def _says(client: bytes, greeting: Greeting) -> Evidence:
    if greeting.client is None:
        return NO
    if not client:
        return MORE
    if greeting.client.match(client):
        return YES
    return MORE if client[0] in greeting.first and len(client) < _LINE and LF not in client else NO
