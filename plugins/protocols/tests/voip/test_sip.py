"""SIP over UDP and TCP, and the media that it announces."""

import pytest
from pywall_protocols.voip import sip

from pywall_core.api import MORE, NO, UDP
from pywall_core.testing import conversation, detector_contract, make_flow

SRC, DST = bytes([192, 0, 2, 1]), bytes([198, 51, 100, 2])
SDP = (
    b"Content-Type: application/sdp\r\n\r\nv=0\r\no=bob 1 1 IN IP4 192.0.2.1\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\n"
    b"m=audio 49170 RTP/AVP 0\r\n"
)
INVITE = b"INVITE sip:bob@b.example SIP/2.0\r\nVia: SIP/2.0/UDP a.example\r\nUser-Agent: phone\r\n" + SDP
ACCEPTED = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a.example\r\nCSeq: 1 INVITE\r\n" + SDP.replace(
    b"192.0.2.1", b"198.51.100.2"
).replace(b"49170", b"6000")
TRYING = b"SIP/2.0 100 Trying\r\nVia: SIP/2.0/UDP a.example\r\n\r\n"

TestContractUdp = detector_contract(
    sip,
    positives=[
        conversation("udp").client(INVITE).server(TRYING),
        conversation("udp").client(b"\r\n\r\n").client(INVITE),
        conversation("udp").client(b"REGISTER sip:b.example SIP/a.0\x84\nVia: SIP/2.0/UDQ 192.0.2.1\r\n"),
        conversation("udp").client(b"INVITEKsip:b@b.example SIP/2.0\r\nVia: SIP/2.0/UDP a\r\n\r\n"),
    ],
    negatives=[
        conversation("udp").client(b"M-SEARCH * HTTP/1.1\r\nHOST: a\r\n\r\n").server(b"HTTP/1.1 200 OK\r\n\r\n"),
        conversation("udp").client(b"OPTIONS are many").server(b"SIP/3.0 200"),
    ],
    transport="udp",
)
TestContractTcp = detector_contract(
    sip,
    positives=[(INVITE, TRYING), (b"OPTIONS sips:b.example SIP/2.0\r\n", b"")],
    negatives=[
        (b"OPTIONS rtsp://a/ RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 OK\r\n\r\n"),
        (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n"),
    ],
    transport="tcp",
)


def asked(client, server=b""):
    sizes = {"client_sizes": (len(client),), "server_sizes": (len(server),) if server else ()}
    flow = make_flow(proto=UDP, src=SRC, dst=DST, **sizes)
    return flow, sip.pywall_detect(flow, client, server).described()


def test_facts():
    _, match = asked(INVITE, TRYING)
    assert match.facts == {
        "method": "INVITE",
        "uri": "sip:bob@b.example",
        "version": "SIP/2.0",
        "code": 100,
        "reason": "Trying",
        "user_agent": "phone",
    }


def test_media_is_announced_once():
    flow, _ = asked(INVITE, ACCEPTED)
    sip.pywall_detect(flow, INVITE, ACCEPTED)
    assert flow.engine.expected == [("rtp", UDP, SRC, 49170, None), ("rtp", UDP, DST, 6000, None)]


@pytest.mark.parametrize(
    "server",
    [
        b"",
        TRYING,
        ACCEPTED.replace(b"200 OK", b"486 Busy"),
        ACCEPTED.replace(b"CSeq: 1 INVITE", b"CSeq: 1 REGISTER"),
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
    ],
)
def test_media_of_a_call_that_nobody_accepted_are_not_announced(server):
    flow, _ = asked(INVITE, server)
    assert flow.engine.expected == []


def test_media_at_a_third_party_is_not_announced():
    flow, _ = asked(INVITE.replace(b"192.0.2.1", b"203.0.113.9"), ACCEPTED.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert flow.engine.expected == []


@pytest.mark.parametrize(
    "body", [b"c=IN IP4 nowhere\r\nm=audio 1 RTP/AVP 0\r\n", b"c=IN IP4 192.0.2.1\r\nm=audio 99999 RTP/AVP 0\r\n"]
)
def test_bad_descriptions_announce_nothing(body):
    flow, _ = asked(b"INVITE sip:b@b SIP/2.0\r\n\r\nv=0\r\n" + body, ACCEPTED.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")
    assert flow.engine.expected == []


def test_beginnings_wait_over_tcp_only(ask):
    assert ask(sip, b"INVITE sip:bob") is MORE
    assert ask(sip, [b"INVITE them all"], [b"no"]) is NO
