"""Connections that turn into another protocol: the hellos are TLS, and each dialogue ends where that begins."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from pywall_core.testing import client_hello, engine, late_hand_overs, server_hello
from pywall_core.testing.certificates import make_certificate
from pywall_core.testing.handovers import RETRY_RANDOM

DIALOGUES = late_hand_overs()


def test_a_server_reads_the_name_of_a_hello(tmp_path: Path) -> None:
    names = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(make_certificate(tmp_path, "a.example").both)
    context.sni_callback = lambda connection, name, of: names.append(name)
    come, go = ssl.MemoryBIO(), ssl.MemoryBIO()
    come.write(client_hello("a.example"))
    with pytest.raises(ssl.SSLError):  # it offers too little for a connection
        context.wrap_bio(come, go, server_side=True).do_handshake()
    assert names == ["a.example"]


def test_a_retry_has_its_own_random() -> None:
    assert RETRY_RANDOM in server_hello(retry=True)
    assert RETRY_RANDOM not in server_hello()


@pytest.mark.parametrize("name", DIALOGUES)
def test_both_sides_have_spoken_as_far_as_tls(name: str) -> None:
    carrying, turns = DIALOGUES[name]
    assert carrying == carrying.lower()
    assert all(type(to_server) is bool and data for to_server, data in turns)
    hello = client_hello("a.example")
    assert all(hello[:6] not in data for _, data in turns)


def test_an_engine_sees_what_begins_inside() -> None:
    pytest.importorskip("pywall_protocols")
    from pywall_core.testing import conversation

    talk = conversation()
    for to_server, data in [*DIALOGUES["smtp"][1], (True, client_hello("a.example")), (False, server_hello())]:
        talk = (talk.client if to_server else talk.server)(data)
    lab = engine("version: 1\nplugins: [stream, protocols]\n")
    lab.send(talk.ack())
    (flow,) = lab.flows
    assert (flow.app_proto, flow.app_proto_outer) == ("tls", ("smtp",))
    assert flow.facts["tls.sni"] == "a.example"
