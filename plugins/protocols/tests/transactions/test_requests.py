"""SNMP and TFTP: rules hold for every request of a socket, not for the first alone."""

import pytest

from pywall_core.testing import conversation, engine

pytest.importorskip("pywall_rules")


def read(name):
    return b"\0\1" + name + b"\0octet\0"


def get(community):
    pdu = b"\xa0\x0b\2\1\1\2\1\0\2\1\0" + b"0\0"
    body = b"\2\1\1\4" + bytes([len(community)]) + community + pdu
    return b"0" + bytes([len(body)]) + body


ASKS = {"snmp.community": (get, b"public", b"secret"), "tftp.file": (read, b"good", b"secret")}
POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: %s, is: %s, action: %s}]}
default: ACCEPT
"""


@pytest.mark.parametrize("fact", ASKS)
@pytest.mark.parametrize("before", [1, 3, 40])
@pytest.mark.parametrize("answered", [False, True])
def test_a_later_request_gets_a_verdict(fact, before, answered):
    make, good, secret = ASKS[fact]
    talk = conversation("udp")
    for _ in range(before):
        talk = talk.client(make(good))
        talk = talk.server(make(good).replace(b"\xa0", b"\xa2", 1)) if answered and fact.startswith("snmp") else talk
    lab = engine(POLICY % (fact, "secret", "DROP"), live=True)
    seen = [verdict.action.value for verdict in lab.send(talk.client(make(secret)))]
    assert (set(seen[:-1]), seen[-1]) == ({"accept"}, "drop")


@pytest.mark.parametrize("fact", ASKS)
def test_each_is_told_where_a_rule_asks(fact):
    make, good, _ = ASKS[fact]
    lab = engine(POLICY % (fact, "x", "DROP"), live=True)
    lab.send(conversation("udp").client(make(good)).client(make(b"other")).client(make(b"third")))
    lab.close()
    protocol, _, name = fact.partition(".")
    assert [event[protocol][name] for event in lab.of_type(protocol)] == [
        "good" if good == b"good" else "public",
        "other",
        "third",
    ]


@pytest.mark.parametrize("fact", ASKS)
def test_where_no_rule_asks_the_flow_is_not_followed(fact):
    make, good, _ = ASKS[fact]
    lab = engine(POLICY % ("dns.rrname", "x", "DROP"), live=True)
    lab.send(conversation("udp").client(make(good)).client(make(b"other")))
    assert lab.flows[0].detection.following is None


@pytest.mark.parametrize("fact", ASKS)
def test_what_may_be_a_request_and_cannot_be_read_is_dropped(fact):
    make, good, _ = ASKS[fact]
    lab = engine(POLICY % (fact, "x", "DROP"), live=True)
    odd = b"0\x82\0\x09secret" if fact.startswith("snmp") else make(b"secret")[:-3]
    seen = [
        verdict.action.value
        for verdict in lab.send(conversation("udp").client(make(good)).client(odd).client(make(good)))
    ]
    assert seen == ["accept", "drop", "accept"]
