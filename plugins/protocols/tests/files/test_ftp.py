"""FTP: logins, announcements of data connections, AUTH TLS."""

import pytest
from pywall_protocols.files import ftp, ftp_data

from pywall_core.api import MORE, NO, TCP, Match
from pywall_core.testing import conversation, detector_contract, make_flow

LOGIN = (
    conversation().server(b"220 (vsFTPd 3.0.5)\r\n").client(b"USER anonymous\r\n").server(b"331 Password please.\r\n")
)

TestContract = detector_contract(
    ftp,
    positives=[
        LOGIN.client(b"PASS a@b\r\n").server(b"230 Welcome.\r\n").client(b"PASV\r\n"),
        (b"USER a\r\n", b"220 ready\r\n331 ok\r\n"),
        (b"PORT 192,0,2,1,200,10\r\n", b""),
        (b"", b"220-Welcome\r\n to our\r\n220 FTP server\r\n"),
        (b"AUTH TLS\r\n\x16\x03\x01", b"220 FTP\r\n234 go\r\n\x16\x03\x03"),
    ],
    negatives=[
        (b"EHLO a\r\n", b"220 mail ESMTP\r\n250 a\r\n"),
        (b"USER a\r\nPASS b\r\n", b"+OK POP3 ready\r\n+OK\r\n"),
        (b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"),
        (b"LIST of things to do\r\nfirst\r\n", b"second\r\n"),
    ],
)


SRC, DST = bytes([192, 0, 2, 1]), bytes([198, 51, 100, 2])


def announced(client, server):
    flow = make_flow(src=SRC, dst=DST)
    ftp.pywall_detect(flow, client, server)
    return flow.engine.expected


@pytest.mark.parametrize(
    ("client", "server"),
    [
        (b"USER a\r\nPORT 192,0,2,1,200,10\r\n", b"220 FTP\r\n331 ok\r\n200 PORT ok\r\n"),
        (
            b"USER a\r\nPORT 192,0,2,1,200,10\r\nLIST\r\n",
            b"120 soon\r\n220 FTP\r\n331-ok\r\n331 go\r\n200 ok\r\n150 now\r\n",
        ),
        (b"USER a\r\nEPRT |1|192.0.2.1|51210|\r\n", b"220 FTP\r\n331 ok\r\n200 ok\r\n"),
        # what the client is called behind its NAT
        (b"USER a\r\nPORT 10,0,0,9,200,10\r\n", b"220 FTP\r\n331 ok\r\n200 ok\r\n"),
        (b"USER a\r\nPORT 172,31,0,9,200,10\r\n", b"220 FTP\r\n331 ok\r\n200 ok\r\n"),
        (b"USER a\r\nEPRT |1|192.168.0.9|51210|\r\n", b"220 FTP\r\n331 ok\r\n200 ok\r\n"),
    ],
)
def test_port_announces_the_clients_address_when_the_server_has_accepted(client, server):
    assert announced(client, server) == [("ftp-data", TCP, SRC, 51210, DST)]


@pytest.mark.parametrize(
    ("client", "server"),
    [
        pytest.param(b"USER a\r\nPORT 192,0,2,1,200,10\r\n", b"220 FTP\r\n331 ok\r\n", id="not answered"),
        pytest.param(b"USER a\r\nPORT 192,0,2,1,200,10\r\n", b"220 FTP\r\n331 ok\r\n500 no\r\n", id="refused"),
        pytest.param(b"USER a\r\nPORT 203,0,113,9,200,10\r\n", b"220 FTP\r\n331 ok\r\n200 ok\r\n", id="bounce"),
        pytest.param(b"USER a\r\nEPRT |1|203.0.113.9|99|\r\n", b"220 FTP\r\n331 ok\r\n200 ok\r\n", id="EPRT bounce"),
        pytest.param(b"USER a\r\nPORT 198,51,100,2,200,10\r\n", b"220 FTP\r\n331 ok\r\n200 ok\r\n", id="the server's"),
        pytest.param(b"USER a\r\nPORT 172,32,0,9,200,10\r\n", b"220 FTP\r\n331 ok\r\n200 ok\r\n", id="not private"),
        pytest.param(b"USER a\r\n", b"220 FTP\r\n331 ok\r\n227 a (198,51,100,2,4,1)\r\n", id="227 to nothing"),
        pytest.param(
            b"USER a\r\nPASV\r\nSTAT .\r\n",
            b"220 FTP\r\n331 ok\r\n530 no\r\n213-.\r\n227 (198,51,100,2,4,1)\r\n229 (|||6446|)\r\n213 end\r\n",
            id="the text of another reply",
        ),
        pytest.param(
            b"USER a\r\n227 (198,51,100,2,4,1)\r\n",
            b"220 FTP\r\n331 ok\r\n500 what? 227 (198,51,100,2,4,1)\r\n",
            id="echo",
        ),
        pytest.param(b"USER a\r\nPORT 192,0,2,1,200,10\r\n", b"HTTP/1.1 400 Bad Request\r\n\r\n", id="a web server"),
        pytest.param(b"USER a\r\nPORT 192,0,2,1,200,10\r\n", b"", id="silence"),
    ],
)
def test_what_the_server_did_not_agree_to_is_not_announced(client, server):
    assert announced(client, server) == []


@pytest.mark.parametrize(
    ("reply", "port"),
    [
        (b"227 Entering Passive Mode (198,51,100,2,4,1)\r\n", 1025),
        (b"227 =10,0,0,9,4,1\r\n", 1025),
        (b"229 Entering Extended Passive Mode (|||6446|)\r\n", 6446),
    ],
)
def test_passive_replies_announce_the_servers_address(reply, port):
    command = b"EPSV\r\n" if reply.startswith(b"229") else b"PASV\r\n"
    assert announced(b"USER a\r\n" + command, b"220 FTP\r\n331 ok\r\n" + reply) == [("ftp-data", TCP, DST, port, SRC)]


def test_eprt_announces_an_ipv6_address():
    src = bytes.fromhex("20010db8000000000000000000000001")
    flow = make_flow(src=src, dst=src[:-1] + b"\2")
    ftp.pywall_detect(flow, b"EPRT |2|2001:db8::1|5282|\r\n", b"220 FTP\r\n200 ok\r\n")
    assert flow.engine.expected == [("ftp-data", TCP, src, 5282, flow.dst)]


@pytest.mark.parametrize("line", [b"PORT 999,0,2,1,200,10\r\n", b"EPRT |1|nonsense|99|\r\n"])
def test_numbers_out_of_range_announce_nothing(line):
    assert announced(b"USER a\r\n" + line, b"220 FTP\r\n331 ok\r\n200 ok\r\n") == []


def test_each_connection_is_announced_once():
    flow = make_flow()
    client, server = b"USER a\r\nEPSV\r\nEPSV\r\n", b"220 FTP\r\n331 ok\r\n229 ok (|||6446|)\r\n"
    for _ in range(3):
        ftp.pywall_detect(flow, client, server)
    ftp.pywall_detect(flow, client, server + b"229 ok (|||6447|)\r\n")
    assert [announcement[3] for announcement in flow.engine.expected] == [6446, 6447]


def test_auth_tls_hands_over():
    client, server = (
        b"FEAT\r\nAUTH TLS\r\n\x16\x03\x01",
        b"220 FTP\r\n211-Features:\r\n PASV\r\n211 End\r\n234 ok\r\n\x16\x03",
    )
    match = ftp.pywall_detect(make_flow(), client, server).described()
    assert (client[match.restart[0] :], server[match.restart[1] :]) == (b"\x16\x03\x01", b"\x16\x03")


def test_facts():
    match = ftp.pywall_detect(make_flow(), b"USER bob\r\nSYST\r\n", b"220 Files, by FTP\r\n331 ok\r\n").described()
    assert match.facts == {"user": "bob", "command": "SYST", "banner": "Files, by FTP"}


def test_a_greeting_alone_without_the_name_waits():
    assert ftp.pywall_detect(make_flow(), b"", b"220 ready\r\n") is MORE


def test_a_data_connection_is_a_hint_and_one_side_that_speaks():
    expected = Match("ftp-data", confirmed=False, done=False)
    assert ftp_data.pywall_detect(make_flow(expected="ftp-data"), b"", b"any bytes at all") == expected
    assert ftp_data.pywall_detect(make_flow(expected="ftp-data"), b"id\n", b"uid=0(root)\n") is NO
    assert ftp_data.pywall_detect(make_flow(expected="rtp"), b"", b"anything") is NO


def test_a_challenge_of_another_protocol_is_no_login(ask):
    """SMTP asks for what AUTH needs by 334 as well."""
    client, server = b"HELO a.example\r\nAUTH CRAM-MD5\r\n", b"220 ready\r\n250 hello\r\n334 PDEyMw==\r\n"
    assert not isinstance(ask(ftp, client, server), Match)
