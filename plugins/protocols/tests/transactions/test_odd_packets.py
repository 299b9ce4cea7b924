"""What comes late on a connection, in fragments, with a SYN, and with an urgent byte in it."""

import pytest

from pywall_core.testing import client_hello, conversation, engine, server_hello
from pywall_core.testing.dialogues import ACK, PSH, SYN
from pywall_core.testing.handovers import late_hand_overs

pytest.importorskip("pywall_stream")
pytest.importorskip("pywall_rules")

POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: %s, action: DROP}]}
default: ACCEPT
"""
NO_TLS = POLICY % "app, is: tls"
NO_SECRET = POLICY % "fact, name: http.path, is: /secret"
OK = b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n"
SECRET = OK.replace(b"/ok", b"/secret")
EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
URG = 0x20


def actions(policy, talk):
    return [verdict.action.value for verdict in engine(policy, live=True).send(talk)]


@pytest.mark.parametrize("size", [24, 64])
@pytest.mark.parametrize("name", late_hand_overs())
def test_tls_inside_is_dropped_in_fragments(name, size):
    _, turns = late_hand_overs()[name]
    talk = conversation()
    for to_server, data in [*turns, (True, client_hello("a.example")), (False, server_hello())]:
        talk = talk.client(data) if to_server else talk.server(data)
    assert actions(NO_TLS, talk.fragments(size))[-1] == "drop"


def test_a_second_request_in_fragments():
    talk = conversation().client(OK).server(EMPTY).client(SECRET)
    assert actions(NO_SECRET, talk.fragments(16))[-1] == "drop"


def test_a_request_that_comes_with_a_syn_is_taken_out_of_it():
    (packet,) = conversation(handshake=False).client(SECRET, flags=SYN).packets()
    lab = engine(NO_SECRET, live=True)
    (verdict,) = lab.send([packet])
    assert verdict.action.value == "accept"
    assert packet.rewritten is not None
    assert SECRET not in packet.rewritten


def test_an_urgent_byte_is_none_of_what_the_server_reads():
    talk = conversation().client(OK).server(EMPTY)
    urgent = {"flags": PSH | ACK | URG}
    assert actions(NO_SECRET, talk.client(SECRET[:9]).client(b"X", **urgent).client(SECRET[9:]))[-1] == "drop"
    assert (
        actions(NO_SECRET, talk.client(SECRET[:9]).client(SECRET[9:10], **urgent).client(SECRET[10:]))[-1] == "accept"
    )
