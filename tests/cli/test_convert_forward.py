"""Answers of forwarded connections pass, and nothing begins that could not before."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pywall_core.api import ACCEPT, ACK, FORWARD, SYN, decode
from pywall_core.cli.convert_forward import ANSWERS, both_ways
from pywall_core.cli.convert_iptables import convert
from pywall_core.testing import engine, tcp_packet

SAVED = """*filter
:FORWARD DROP [0:0]
-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -s 192.168.10.0/24 -p tcp -m multiport --dports 80,443 -j ACCEPT
-A FORWARD -s 192.168.10.0/24 ! -d 10.0.0.0/8 -p udp -j ACCEPT
COMMIT
"""


def _verdict(host: Any, client: str, server: str, sport: int, dport: int) -> tuple[bool, bool]:
    """Return whether a first segment passes, and whether its answer does."""
    there = tcp_packet(client, sport, server, dport, seq=1, flags=SYN)
    back = tcp_packet(server, dport, client, sport, seq=9, ack=2, flags=SYN | ACK)
    verdicts = [host.send([decode(data, 1000.0, FORWARD)])[0].action is ACCEPT for data in (there, back)]
    return verdicts[0], verdicts[1]


def test_answers_pass_and_only_answers() -> None:
    host = engine(json.dumps(convert(SAVED).data))
    assert _verdict(host, "192.168.10.5", "203.0.113.9", 40000, 443) == (True, True)
    assert _verdict(host, "192.168.10.5", "203.0.113.9", 40001, 25) == (False, False)
    # from a web server's port: mirrored rules would let it in
    assert _verdict(host, "203.0.113.9", "192.168.10.5", 443, 40002) == (False, False)


def test_ufw_lets_answers_of_routes_pass() -> None:
    text = "*filter\n:ufw-user-input - [0:0]\n:ufw-user-forward - [0:0]\n"
    text += "-A ufw-user-forward -p tcp -d 192.168.10.5 --dport 443 -j ACCEPT\nCOMMIT\n"
    host = engine(json.dumps(convert(text).data))
    assert _verdict(host, "203.0.113.9", "192.168.10.5", 40000, 443) == (True, True)


@pytest.mark.parametrize(
    "part",
    [{"rule": "iface", "in": "br0"}, {"rule": "port", "protocol": "tcp", "src": 53}],
)
def test_what_holds_in_one_direction_is_said(part: dict[str, Any]) -> None:
    notes: list[str] = []
    rule = {**part, "action": "ACCEPT"}
    assert both_ways([{**ANSWERS, "action": "ACCEPT"}, rule], notes) == [rule]
    assert "answers do not pass: name the clients" in notes[0]


@pytest.mark.parametrize(
    "rule",
    [
        {"not": ANSWERS, "action": "DROP"},
        {**ANSWERS, "action": "DROP"},
        {"all": [{"rule": "ip", "src": "10.0.0.1"}, ANSWERS], "action": "ACCEPT"},
    ],
)
def test_some_answers_alone_have_no_equal(rule: dict[str, Any]) -> None:
    notes: list[str] = []
    assert both_ways([rule], notes) == []
    assert "answers of some connections alone" in notes[0]


def test_without_a_rule_for_answers_nothing_changes() -> None:
    notes: list[str] = []
    rules = [{"rule": "ip", "src": "10.0.0.1", "action": "ACCEPT"}]
    assert both_ways(rules, notes) == rules
    assert not notes
