"""Records behind the handshake: TLS that is negotiated once more."""

import json

import pytest
from pywall_protocols.encryption import tls

from pywall_core.testing import client_hello, conversation, engine, make_flow, server_hello

pytest.importorskip("pywall_stream")
pytest.importorskip("pywall_rules")

POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT: [{rule: fact, name: %s, is: true, action: DROP}]
  OUTPUT: [{rule: fact, name: %s, is: true, action: DROP}]
default: ACCEPT
"""
ASKED = POLICY % ("tls.renegotiated", "tls.renegotiated")
CHANGE = b"\x14\3\3\0\1\1"
HELLO_12 = b"\2\0\0\x26\3\3" + bytes(range(1, 33)) + b"\0\xc0\x2f\0"
SERVER_HELLO_12 = b"\x16\3\3\0\x2a" + HELLO_12
DONE = b"\x16\3\3\0\4\x0e\0\0\0"


def sealed(kind, size=40):
    return bytes([kind]) + b"\3\3" + size.to_bytes(2, "big") + b"\xa7" * size


def handshake_12():
    """A connection of TLS 1.2 up to Finished of both sides, with a ticket before the server's (RFC 5077)."""
    talk = conversation().client(client_hello("a.example")).server(SERVER_HELLO_12 + DONE)
    talk = talk.client(sealed(22, 66) + CHANGE + sealed(22)).server(sealed(22, 180) + CHANGE + sealed(22))
    return talk.client(sealed(23, 200)).server(sealed(23, 900))


def actions(policy, talk):
    lab = engine(policy, live=True)
    return [verdict.action.value for verdict in lab.send(talk)], lab


@pytest.mark.parametrize("size", [1, 7, 65536])
@pytest.mark.parametrize("by_client", [True, False])
def test_a_handshake_record_behind_finished_is_a_renegotiation(size, by_client):
    talk = handshake_12()
    talk = talk.client(sealed(22, 250)) if by_client else talk.server(sealed(22, 28))
    seen, lab = actions(ASKED, talk.split(size))
    assert "drop" in seen
    assert [event["anomaly"]["event"] for event in lab.of_type("anomaly")] == ["tls.renegotiated"]
    (told,) = [event["tls"] for event in lab.of_type("tls") if "tx_id" in event]
    assert (told["sni"], told["renegotiated"]) == ("a.example", True)


@pytest.mark.parametrize("size", [1, 7, 65536])
def test_it_is_seen_behind_a_hello_of_the_form_of_sslv2(size):
    hello = b"\1\3\3" + (9).to_bytes(2) + bytes(2) + (16).to_bytes(2) + b"\0\0\x2f\0\0\x35\0\0\xff" + bytes(range(16))
    talk = conversation().client(bytes([0x80, len(hello)]) + hello)
    talk = talk.server(SERVER_HELLO_12 + DONE).client(sealed(22, 66) + CHANGE + sealed(22)).server(CHANGE + sealed(22))
    honest = talk.client(sealed(23, 200)).server(sealed(23, 900))
    assert set(actions(ASKED, honest.split(size))[0]) == {"accept"}
    assert "drop" in actions(ASKED, honest.client(sealed(22, 250)).split(size))[0]


def test_what_is_no_renegotiation_passes():
    talk = handshake_12().client(sealed(23)).server(sealed(23, 9000)).client(sealed(21, 26)).server(sealed(21, 26))
    for one in (talk.close(), talk.split(1), talk.split(5)):
        seen, lab = actions(ASKED, one)
        assert set(seen) == {"accept"}
        assert not lab.of_type("anomaly")


def test_tls_13_is_not_watched_behind_its_first_protected_record():
    talk = conversation().client(client_hello("a.example", key_share=b"\0\0")).server(server_hello(retry=True) + CHANGE)
    talk = talk.client(CHANGE + client_hello("a.example")).server(server_hello() + sealed(23, 900))
    seen, lab = actions(ASKED, talk.client(sealed(23)).server(sealed(22)).client(sealed(22)).client(sealed(22)))
    assert set(seen) == {"accept"}
    assert lab.flows[0].final is not None


def test_where_no_rule_asks_records_are_not_followed():
    seen, lab = actions(POLICY % ("tls.sni_changed", "tls.sni_changed"), handshake_12().client(sealed(22)))
    assert set(seen) == {"accept"}
    assert lab.flows[0].final is not None


def test_it_goes_on_in_another_process():
    said = turns(handshake_12().client(sealed(22, 250)))
    for cut in range(len(said)):
        before, after = watched(), watched()
        for to_server, data in said[:cut]:
            assert not before.feed(to_server, data)
        after.load(json.loads(json.dumps(before.save())))
        found = [one for to_server, data in said[cut:] for one in after.feed(to_server, data)]
        assert [one.anomaly for one in found] == ["renegotiated"]


def watched():
    flow = make_flow()
    flow.own_detection().app_proto = "tls"
    parser = tls.pywall_transactions(flow)
    parser.asked = frozenset({"renegotiated"})
    return parser


def turns(talk):
    return [(step.to_server, step.data) for step in talk.steps if step.data]
