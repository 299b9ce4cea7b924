"""Flows that FTP, RTSP, SIP and TFTP announce, through the engine: a hint after a session that both sides have
confirmed, which never switches the content policy off."""

import pytest

from pywall_core.testing import conversation, engine

pytest.importorskip("pywall_stream")
pytest.importorskip("pywall_rules")

HOST, PEER = "198.51.100.2", "192.0.2.1"
#: what the announcements tried to pass by
POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT: [{rule: app, is: [ssh, tls, ftp, unknown], action: DROP}]
  OUTPUT: [{rule: app, is: [ssh, tls, ftp, unknown], action: DROP}]
default: ACCEPT
"""
SSH = ((True, b"SSH-2.0-OpenSSH_9.6\r\n"), (False, b"SSH-2.0-OpenSSH_9.6\r\n"))
TLS = ((True, bytes.fromhex("1603010200010001fc0303") + bytes(32)),)
SHELL = ((True, b"id\n"), (False, b"uid=0(root)\n"), (True, b"cat /etc/shadow\n"), (False, b"root:x\n"))
WEB = b"HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n"
ACCEPT_ALL = "version: 1\nplugins: [rules, stream, protocols]\ndefault: ACCEPT\n"


def talk(turns, client=(PEER, 40000), server=(HOST, 80), transport="tcp"):
    said = conversation(transport, client=client, server=server)
    for to_server, data in turns:
        said = said.client(data) if to_server else said.server(data)
    return said


def sdp(host, port):
    return b"\r\nContent-Type: application/sdp\r\n\r\nv=0\r\nc=IN IP4 %s\r\nm=audio %d RTP/AVP 0\r\n" % (
        host.encode(),
        port,
    )


ONE_LINE = {
    "PORT": [(True, b"USER x\r\nPORT 192,0,2,1,200,10\r\n"), (False, WEB)],
    "EPRT": [(True, b"USER x\r\nEPRT |1|192.0.2.1|51210|\r\n"), (False, WEB)],
    "PORT of the host": [(True, b"USER x\r\nPORT 198,51,100,2,0,22\r\n"), (False, WEB)],
    "227 sent by the client": [(True, b"USER x\r\nPASV\r\n227 ok (198,51,100,2,0,22)\r\n"), (False, WEB)],
    "RTSP": [
        (True, b"SETUP rtsp://a/ RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP/TCP;client_port=51210-51211\r\n\r\n"),
        (False, WEB),
    ],
    "SIP": [(True, b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/TCP a" + sdp(PEER, 51210)), (False, WEB)],
    "silence": [(True, b"USER x\r\nPORT 192,0,2,1,200,10\r\n")],
    "an FTP server that refuses": [
        (False, b"220 FTP ready\r\n"),
        (True, b"USER x\r\n"),
        (False, b"331 password\r\n"),
        (True, b"PORT 192,0,2,1,200,10\r\n"),
        (False, b"530 log in first\r\n"),
    ],
}


@pytest.mark.parametrize("inside", [SSH, TLS, SHELL], ids=["ssh", "tls", "shell"])
@pytest.mark.parametrize("line", ONE_LINE)
def test_a_line_of_text_to_an_open_port_opens_no_other(line, inside):
    """The line goes to a web server; then a connection comes from the announced port."""
    lab = engine(POLICY if not line.startswith("an FTP") else POLICY.replace("ftp, ", ""))
    lab.send(talk(ONE_LINE[line]))
    for service in (22, 51210):
        verdicts = lab.send(talk(inside, client=(PEER, 51210), server=(HOST, service)))
        assert verdicts[-1].action == "drop", (service, verdicts[-1])
    assert not any(flow.expected for flow in lab.flows)


def ftp_session(command, reply):
    return talk(
        [
            (False, b"220 FTP ready\r\n"),
            (True, b"USER x\r\n"),
            (False, b"331 password\r\n"),
            (True, b"PASS x\r\n"),
            (False, b"230 welcome\r\n"),
            (True, command),
            (False, reply),
        ],
        server=(HOST, 21),
    )


PASV = ftp_session(b"PASV\r\n", b"227 Entering Passive Mode (198,51,100,2,200,10)\r\n")
EPSV = ftp_session(b"EPSV\r\n", b"229 Entering Extended Passive Mode (|||51210|)\r\n")
PORT = ftp_session(b"PORT 192,0,2,1,200,10\r\n", b"200 PORT command successful\r\n")
EPRT = ftp_session(b"EPRT |1|192.0.2.1|51210|\r\n", b"200 EPRT command successful\r\n")
TO_SERVER, TO_CLIENT = ((PEER, 40001), (HOST, 51210)), ((HOST, 20), (PEER, 51210))


@pytest.mark.parametrize(
    ("session", "ends"),
    [(PASV, TO_SERVER), (EPSV, TO_SERVER), (PORT, TO_CLIENT), (EPRT, TO_CLIENT)],
    ids=["PASV", "EPSV", "PORT", "EPRT"],
)
class TestWhatFtpAgreedOn:
    def test_is_expected_and_named_when_nothing_else_fits(self, session, ends):
        lab = engine(ACCEPT_ALL)
        lab.send(session)
        lab.send(talk([(False, b"-rw-r--r-- 1 a a 12 file\r\n")], *ends))
        (flow,) = (flow for flow in lab.flows if 51210 in (flow.sport, flow.dport))
        lab.close()
        assert (flow.expected, flow.app_proto, flow.confirmed) == ("ftp-data", "ftp-data", False)

    @pytest.mark.parametrize(
        ("inside", "name"), [(SSH, "ssh"), (TLS, "tls"), (((True, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),), "http")]
    )
    def test_is_called_what_its_content_says(self, session, ends, inside, name):
        lab = engine(ACCEPT_ALL)
        lab.send(session)
        lab.send(talk(inside, *ends))
        (flow,) = (flow for flow in lab.flows if 51210 in (flow.sport, flow.dport))
        assert (flow.expected, flow.app_proto) == ("ftp-data", name)

    def test_is_dropped_when_the_content_is_forbidden(self, session, ends):
        lab = engine(POLICY.replace("ftp, ", ""))
        lab.send(session)
        assert lab.send(talk(SSH, *ends))[-1].action == "drop"

    def test_is_for_the_two_hosts_only(self, session, ends):
        lab = engine(ACCEPT_ALL)
        lab.send(session)
        client, server = ends
        lab.send(talk([(True, b"data")], ("203.0.113.9", client[1]), server))
        lab.send(talk([(True, b"data")], client, ("203.0.113.7", server[1])))
        assert not any(flow.expected for flow in lab.flows)


def late(session, data, seconds=0.0):
    """The data connection opens, then the server accepts it on the session, then the data come."""
    *before, accepted = session.packets()
    *opening, content = (packet for packet in data.packets())
    assert not any(packet.end > packet.start for packet in opening)
    for packet in (accepted, content):
        packet.time += seconds
    return [*before, *opening, accepted, content]


class TestADataConnectionThatOpensBeforeThePortIsAccepted:
    """As pyftpdlib does: it connects, then answers PORT."""

    LISTING = talk([(True, b"a listing\r\n")], *TO_CLIENT)

    def label(self, packets):
        lab = engine(ACCEPT_ALL)
        lab.send(packets)
        (flow,) = (flow for flow in lab.flows if flow.dport == 51210)
        lab.close()
        return flow.expected, flow.app_proto, flow.confirmed

    def test_is_expected(self):
        assert self.label(late(PORT, self.LISTING)) == ("ftp-data", "ftp-data", False)

    def test_is_called_what_its_content_says(self):
        assert self.label(late(PORT, talk(SSH[:1], *TO_CLIENT)))[:2] == ("ftp-data", "ssh")

    def test_is_not_expected_when_it_has_spoken_before(self):
        assert self.label([*self.LISTING.packets(), *PORT.packets(), *self.LISTING.packets()[-1:]])[0] is None

    def test_is_not_expected_when_it_has_waited_long(self):
        assert self.label(late(PORT, self.LISTING, seconds=61))[0] is None


LET_IN = """
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: flow, initiator: local, action: ACCEPT}
    - {rule: flow, expected: ftp-data, action: ACCEPT}
default: {INPUT: DROP, OUTPUT: ACCEPT}
"""


@pytest.mark.parametrize("live", [True, False], ids=["live", "replay"])
def test_a_rule_lets_in_what_a_session_agreed_on(live):
    """Also where the session itself is accepted at sight, which the kernel would carry."""
    active = PORT.packets(client_hook=3, server_hook=1)
    data = talk([(True, b"a listing\r\n")], *TO_CLIENT)
    lab = engine(LET_IN, live=live)
    assert lab.send(data)[-1].action == "drop", "not before the session"
    assert {verdict.action for verdict in lab.send(active)} == {"accept"}
    again = talk([(True, b"a listing\r\n")], (HOST, 21020), (PEER, 51210))
    assert {verdict.action for verdict in lab.send(again)} == {"accept"}


def test_a_session_announces_as_long_as_it_lasts():
    """Eight hundred files: detection was done with the session after six hundred."""
    ports = [51000 + number for number in range(800)]
    turns = [(False, b"220 FTP ready\r\n"), (True, b"USER x\r\n"), (False, b"230 welcome\r\n")]
    for port in ports:
        turns += [(True, b"PORT 192,0,2,1,%d,%d\r\n" % divmod(port, 256)), (False, b"200 ok\r\n")]
    lab = engine(LET_IN, live=True)
    left = iter(ports)
    for packet in talk(turns, server=(HOST, 21)).packets(client_hook=3, server_hook=1):
        assert lab.send([packet])[0].action == "accept"
        if packet.data.endswith(b"200 ok\r\n"):
            data = talk([(True, b"a file\r\n")], (HOST, 20), (PEER, next(left))).packets()
            for other in data:
                other.time = packet.time
            assert {verdict.action for verdict in lab.send(data)} == {"accept"}
    assert next(left, None) is None
    assert next(flow for flow in lab.flows if flow.dport == 21).detect_done


@pytest.mark.parametrize(
    ("session", "carried"), [(talk([(True, b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")]), True), (PORT, False)]
)
def test_the_kernel_carries_what_can_announce_nothing(session, carried):
    packets = session.packets(client_hook=3, server_hook=1)
    lab = engine(LET_IN, live=True)
    verdicts = lab.send(packets)
    assert bool(lab.engine.offloadable(packets[-1], verdicts[-1])) is carried
    lab = engine(LET_IN.replace("ftp-data", "other"), live=True)
    assert lab.engine.offloadable(packets[0], lab.send(packets[:1])[0]), "at sight where no rule asks"


RTSP = talk(
    [
        (True, b"SETUP rtsp://a/ RTSP/1.0\r\nCSeq: 1\r\nTransport: RTP/AVP;unicast;client_port=51210-51211\r\n\r\n"),
        (
            False,
            b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n"
            b"Transport: RTP/AVP;unicast;client_port=51210-51211;server_port=6000-6001\r\n\r\n",
        ),
    ],
    server=(HOST, 554),
)
SIP = talk(
    [
        (True, b"INVITE sip:a@b SIP/2.0\r\nVia: SIP/2.0/UDP a\r\nCSeq: 1 INVITE" + sdp(PEER, 51210)),
        (False, b"SIP/2.0 180 Ringing\r\nVia: SIP/2.0/UDP a\r\nCSeq: 1 INVITE\r\n\r\n"),
        (False, b"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a\r\nCSeq: 1 INVITE" + sdp(HOST, 6000)),
    ],
    client=(PEER, 5060),
    server=(HOST, 5060),
    transport="udp",
)


@pytest.mark.parametrize("session", [RTSP, SIP], ids=["rtsp", "sip"])
def test_media_that_both_sides_agreed_on_are_expected(session):
    lab = engine(ACCEPT_ALL)
    lab.send(session)
    lab.send(talk([(True, b"\x80\0")], (HOST, 6000), (PEER, 51210), "udp"))
    lab.send(talk([(True, b"\x80\0")], (PEER, 51213), (HOST, 6000), "udp"))
    assert [flow.expected for flow in lab.flows if flow.dport in (51210, 6000)] == ["rtp", "rtp"]


def test_media_that_are_no_rtp_are_not_called_so():
    lab = engine(ACCEPT_ALL)
    lab.send(RTSP)
    lab.send(talk([(True, b"any bytes at all"), (False, b"and more")], (HOST, 6000), (PEER, 51210), "udp"))
    assert lab.flows[-1].expected == "rtp"
    assert lab.close()[-1]["app_proto"] == "unknown"


def test_a_tftp_server_answers_a_host_that_asked_and_no_other():
    request, block = b"\0\1firmware.bin\0octet\0", b"\0\3\0\1" + b"x" * 512
    asks = talk([(True, request)], (HOST, 5000), (PEER, 69), "udp")
    answers = talk([(True, block)], (PEER, 3333), (HOST, 5000), "udp")
    lab = engine(ACCEPT_ALL)
    lab.send(asks.packets(client_hook=3, server_hook=1))
    lab.send(answers)
    assert (lab.flows[-1].expected, lab.flows[-1].app_proto) == ("tftp", "tftp")

    lab = engine(POLICY)
    lab.send(talk([(True, request)], (PEER, 5000), (HOST, 53), "udp"))
    lab.send(talk([(True, b"secret"), (False, b"secret")], (HOST, 6000), (PEER, 5000), "udp"))
    lab.send(talk([(True, b"secret"), (False, b"secret")], (PEER, 5000), (HOST, 6000), "udp"))
    assert not any(flow.expected for flow in lab.flows), "a request that came from outside announces nothing"
