"""Whole dialogues through the engine with a policy, beside an evaluation from scratch: no packet passes that it drops.

One engine works as behind a queue: verdicts are kept, walks go on where they were, and what is final and handed to the
kernel is not seen again. The other one forgets every verdict before each packet and sees all that the first lets pass.
The input is a script: a policy, then turns of snippets, literal bytes and repetitions, cut anywhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any, Final

_PLUGINS: Final = "version: 1\nplugins: [rules, {stream: {checksum: 'off'}}, protocols]\n"
#: enough for one look-up in place of rules that are asked one after the other
_NAMES: Final = [
    "ssh",
    "imap",
    "pop3",
    "nntp",
    "ldap",
    "mysql",
    "redis",
    "sip",
    "rtsp",
    "ftp",
    "smtp",
    "irc",
    "xmpp",
    "mqtt",
    "amqp",
    "rfb",
    "rdp",
    "smb",
]
#: rules of a chain and the default
_POLICIES: Final = (
    ("    - {rule: app, is: [tls, ssh], action: DROP}", "ACCEPT"),
    ("    - {rule: app, is: [http, dns, smtp], confirmed: true, action: ACCEPT}", "DROP"),
    ("    - {rule: app, is: [http, ssh, ftp, imap], action: ACCEPT}", "DROP"),
    ("    - {rule: fact, name: http.hostname, suffix: bad.example, action: DROP}", "ACCEPT"),
    ("    - {rule: fact, name: tls.sni, is: bad.example, action: REJECT}\n    - {rule: app, is: unknown, action: DROP}",
     "ACCEPT"),
    ("    - {rule: domain, is: [good.example], action: ACCEPT}\n    - {rule: app, is: dns, action: ACCEPT}", "DROP"),
    ("    - {not: {rule: app, is: [http, tls]}, action: DROP}", "ACCEPT"),
    ("    - {all: [{rule: app, is: tls}, {rule: fact, name: app_proto_outer, contains: http}], action: DROP}\n"
     "    - {rule: app, is: [http, tls, smtp], action: ACCEPT}", "DROP"),
    ("    - {rule: fact, name: http.http_method, in: [POST, CONNECT], action: REJECT}\n"
     "    - {any: [{rule: app, is: http}, {rule: flow, expected: ftp-data}], action: ACCEPT}", "DROP"),
    ("\n".join(f"    - {{rule: app, is: {name}, action: ACCEPT}}" for name in _NAMES), "DROP"),
)  # fmt: skip
#: steps of a script at most, so that an input takes milliseconds
_STEPS: Final = 40
_CLIENT, _SERVER = ("192.0.2.1", 40000), ("198.51.100.2", 7000)


def dialogues(data: bytes) -> None:
    """Run a script through both engines."""
    from pywall_core.api import ACCEPT

    if len(data) < 2:
        return
    fast, slow = _engines(data[0] % len(_POLICIES))
    carried: set[bool] = set()
    for packet, again in _packets(data[1], data[2:]):
        to_server = packet.sport == _CLIENT[1]
        if to_server in carried:
            passes, ways = True, 0
        else:
            verdict = fast.process(packet)
            passes = verdict.action is ACCEPT
            ways = fast.offloadable(packet, verdict) if verdict.final and passes else 0
        if not passes:
            continue
        verdict = _from_scratch(slow, again)
        assert verdict.action is ACCEPT, f"{verdict.reason or verdict.rule} drops what passed; carried: {carried}"
        carried |= {True, False} if ways == 2 else {to_server} if ways else set()


def _from_scratch(engine: Any, packet: Any) -> Any:
    """Return the verdict without any that was kept."""
    flow = engine.flows.find(packet.key)
    if flow is not None:
        flow.cache.verdicts = [None] * len(flow.cache.verdicts)
        flow.cache.walk_from = None
        flow.cache.final = None
        flow.cache.released = False
        flow.watched = True
    return engine.process(packet)


def _packets(kind: int, script: bytes) -> Iterator[tuple[Any, Any]]:
    """Yield each packet twice, one for each engine."""
    from pywall_core.api import decode
    from pywall_core.testing import conversation

    snippets = _snippets()
    talk = conversation("udp" if kind & 1 else "tcp", client=_CLIENT, server=_SERVER)
    at = steps = 0
    while at + 4 <= len(script) and steps < _STEPS:
        what, size, cut, repeat = script[at : at + 4]
        at += 4
        steps += 1
        if what & 2:
            said = snippets[size % len(snippets)]
        else:
            said = script[at : at + size]
            at += len(said)
        said *= 1 + (repeat & 7) * (repeat >> 5)
        pieces = [said] if not cut else [said[n : n + cut] for n in range(0, min(len(said), 16 * cut), cut)]
        for piece in pieces:
            if piece:
                talk = talk.client(piece) if what & 1 else talk.server(piece)
    hook_of = {_CLIENT[1]: 1, _SERVER[1]: 3} if not kind & 2 else {_CLIENT[1]: 3, _SERVER[1]: 1}
    for first, second in zip(talk.packets(), talk.packets(), strict=True):
        hook = hook_of[first.sport]
        yield decode(first.data, first.time, hook), decode(second.data, second.time, hook)


@cache
def _snippets() -> list[bytes]:
    from pywall_core.testing.handovers import client_hello, late_hand_overs, server_hello

    turns = [data for _, turns in late_hand_overs().values() for _, data in turns]
    requests = [
        b"GET / HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n" % (host, size)
        for host in (b"good.example", b"a.bad.example")
        for size in (0, 5)
    ]
    names = [client_hello(name) for name in ("good.example", "bad.example")]
    question = bytes.fromhex("1234010000010000000000000161076578616d706c650000010001")
    more = [
        server_hello(),
        server_hello(retry=True),
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"220 mail.example ESMTP\r\n",
        b"220 FTP ready\r\n",
        b"EHLO a\r\n",
        b"STARTTLS\r\n",
        b"220 go ahead\r\n",
        question,
        question[:2] + b"\x81\x80" + question[4:],
        bytes(range(256)),
        b"\x16\x03\x01",
        b"hello, this is text\n",
    ]
    return list(dict.fromkeys([*turns, *requests, *names, *more]))


@cache
def _made(number: int) -> tuple[Any, Any]:
    from pywall_core.config import loads
    from pywall_core.engine.engine import Engine
    from pywall_core.plugins.loader import load

    rules, default = _POLICIES[number]
    chains = "".join(f"  {hook}:\n{rules}\n" for hook in ("INPUT", "OUTPUT"))
    config = loads(f"{_PLUGINS}chains:\n{chains}default: {default}\n".encode(), "fuzz.yaml")
    first, second = load(config), load(config)  # each with trackers of its own
    return Engine(config, first, live=True), Engine(config, second, live=True)


def _engines(number: int) -> tuple[Any, Any]:
    """Two engines with the policy that know of nothing; they are made once, which takes most of the time."""
    made = _made(number)
    for engine in made:
        engine.flows.clear("shutdown")
        engine.expectations.load([])
        engine.expectations.sweep(float("inf"))
        engine.tick(0.0)
    return made
