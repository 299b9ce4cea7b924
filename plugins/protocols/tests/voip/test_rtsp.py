"""RTSP: requests, answers, and the ports that it announces."""

import pytest
from pywall_protocols.voip import rtsp

from pywall_core.api import MORE, UDP
from pywall_core.testing import detector_contract, make_flow

OPTIONS = b"OPTIONS rtsp://a.example:8554/ RTSP/1.0\r\nCSeq: 1\r\n\r\n"
OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"
SETUP = OPTIONS + b"SETUP rtsp://a/ RTSP/1.0\r\nCSeq: 2\r\nTransport: RTP/AVP;unicast;client_port=5000-5001\r\n\r\n"
PORTS = (
    OK + b"RTSP/1.0 200 OK\r\nCSeq: 2\r\nTransport: RTP/AVP;unicast;client_port=5000-5001;server_port=6000-6001\r\n\r\n"
)

TestContract = detector_contract(
    rtsp,
    positives=[(OPTIONS, OK), (OPTIONS + OPTIONS, PORTS), (b"OPTIONS * RTSP/2.0\r\n", b"")],
    negatives=[
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
        (b"PLAY with me\r\n", b"RTFM\r\n"),
        (b"SETUP sip:a SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n"),
    ],
)


def test_facts():
    match = rtsp.pywall_detect(make_flow(), OPTIONS, OK)
    assert match.facts == {"method": "OPTIONS", "uri": "rtsp://a.example:8554/", "code": 200}


def test_ports_are_announced_once():
    flow = make_flow()
    for _ in range(2):
        rtsp.pywall_detect(flow, SETUP, PORTS)
    assert flow.engine.expected == [("rtp", UDP, flow.src, 5000, None), ("rtp", UDP, flow.dst, 6000, None)]


@pytest.mark.parametrize(
    ("client", "server"),
    [
        pytest.param(SETUP, OK, id="not answered"),
        pytest.param(SETUP, PORTS.replace(b"2.0 200", b"2.0 461").replace(b"1.0 200", b"1.0 461"), id="refused"),
        pytest.param(SETUP, b"", id="no server"),
        pytest.param(
            SETUP, OK.replace(b"\r\n\r\n", b"\r\nContent-Length: %d\r\n\r\n" % len(PORTS)) + PORTS, id="inside a body"
        ),
        pytest.param(SETUP, OK + b"$\0" + len(PORTS).to_bytes(2, "big") + PORTS, id="inside media"),
    ],
)
def test_ports_that_the_server_did_not_accept_are_not_announced(client, server):
    flow = make_flow()
    rtsp.pywall_detect(flow, client, server)
    assert flow.engine.expected == []


def test_a_client_port_that_the_client_did_not_ask_for_is_not_announced():
    flow = make_flow()
    rtsp.pywall_detect(flow, OPTIONS, PORTS)
    assert [(dst, port) for _, _, dst, port, _ in flow.engine.expected] == [(flow.dst, 6000)]


@pytest.mark.parametrize("data", [b"OPT", b"OPTIONS ", b"DESCRIBE rtsp://a", b"RTSP/1.0"])
def test_beginnings_wait(ask, data):
    assert ask(rtsp, data) is MORE
