"""The first message of a common protocol is decided by its facts at once: no other detector holds it up.

A detector that says MORE to somebody else's opening until the server has answered lets a forbidden name pass.
"""

from __future__ import annotations

import ssl
from typing import Any

import pytest

from pywall_core.api import ACCEPT, DROP
from pywall_core.testing import conversation, engine
from pywall_core.testing.memory import InMemory


def client_hello(name: str) -> bytes:
    """The first flight of Python's TLS."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = ssl.create_default_context().wrap_bio(incoming, outgoing, server_hostname=name)
    with pytest.raises(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


QUESTION = b"\x12\x34\x01\0\0\1\0\0\0\0\0\0\3www\4evil\7example\0\0\1\0\1"
FIRST = {
    "tls": (client_hello("www.evil.example"), {"name": "tls.sni", "suffix": "evil.example"}),
    "http": (
        b"GET /a HTTP/1.1\r\nHost: www.evil.example\r\nUser-Agent: a\r\n\r\n",
        {"name": "http.hostname", "suffix": "evil.example"},
    ),
    "dns": (QUESTION, {"name": "dns.rrname", "suffix": "evil.example"}),
}


@pytest.mark.parametrize("protocol", FIRST)
def test_a_forbidden_name_is_dropped_with_the_message_that_says_it(protocol: str) -> None:
    message, fact = FIRST[protocol]
    verdicts = forbidding(fact).send(conversation("udp" if protocol == "dns" else "tcp").client(message))
    assert verdicts[-1].action is DROP, f"{verdicts[-1].reason}: somebody waits for more"


@pytest.mark.parametrize(
    ("told", "asks", "granted"),
    [(b"220 ready\r\n", b"AUTH TLS\r\n", b"234 Proceed.\r\n"), (b"+OK ready\r\n", b"STLS\r\n", b"+OK Begin TLS\r\n")],
)
def test_so_is_one_behind_a_hand_over_where_the_server_was_seen_first(told: bytes, asks: bytes, granted: bytes) -> None:
    message, fact = FIRST["tls"]
    met = conversation(handshake=False).client(told).server(asks).client(granted).server(message)
    assert [verdict.action for verdict in forbidding(fact).send(met)] == [ACCEPT, ACCEPT, ACCEPT, DROP]


def forbidding(fact: dict[str, Any]) -> InMemory:
    rules: list[dict[str, Any]] = [{"rule": "fact", **fact, "action": "DROP"}]
    return engine(
        {
            "plugins": ["rules", "stream", "protocols"],
            "chains": {"INPUT": rules, "OUTPUT": rules},
            "default": "ACCEPT",
        }
    )
