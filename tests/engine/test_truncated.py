"""Packets longer than what the queue copies: decided by their first bytes where these are enough, else not passed."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import ACK, SYN, Packet, decode
from pywall_core.testing import engine, tcp_packet

COPIED = 3584
POST = b"POST /up HTTP/1.1\r\nHost: a.example\r\nContent-Length: %d\r\n\r\n"
#: the end of the request, and a second one, lie behind what is copied
HIDDEN = POST % 100 + b"a" * 4000 + b"CONNECT b.example:443 HTTP/1.1\r\nHost: b.example\r\n\r\n" + bytes(1000)
BODY = POST % 6000 + b"a" * 6000


def segment(at: int, data: bytes = b"", flags: int = ACK, *, to_server: bool = True) -> Packet:
    ends = ("192.0.2.1", 1000, "192.0.2.2", 80) if to_server else ("192.0.2.2", 80, "192.0.2.1", 1000)
    acknowledged = 0 if flags == SYN else 1
    return decode(
        tcp_packet(*ends, seq=at, ack=acknowledged, flags=flags, data=data)[:COPIED], 1.0, 1 if to_server else 3
    )


def actions(data: bytes, rule: dict[str, Any]) -> list[str]:
    configuration = {
        "version": 1,
        "plugins": ["rules", {"stream": {"checksum": "off"}}, "protocols"],
        "chains": {"INPUT": [{**rule, "action": "ACCEPT"}], "OUTPUT": [{"rule": "always", "action": "ACCEPT"}]},
        "default": "DROP",
    }
    lab = engine(configuration, live=True)
    begin = [segment(0, flags=SYN), segment(0, flags=SYN | ACK, to_server=False), segment(1)]
    return [verdict.action.value for verdict in lab.send([*begin, segment(1, data)])]


@pytest.mark.parametrize(
    ("data", "rule", "last"),
    [
        (BODY, {"rule": "app", "is": "http"}, "accept"),
        (BODY, {"rule": "app", "is": "tls"}, "drop"),
        (
            BODY,
            {"all": [{"rule": "app", "is": "http"}, {"rule": "fact", "name": "http.http_method", "is": "POST"}]},
            "drop",
        ),
        (HIDDEN, {"rule": "app", "is": "http"}, "drop"),
    ],
)
def test_the_first_bytes_decide_where_the_rest_can_tell_nothing(data: bytes, rule: dict[str, Any], last: str) -> None:
    found = actions(data, rule)
    assert found[:3] == ["accept"] * 3
    assert found[3] == last
