"""Line protocols: mails, FTP commands, and where they hand over to TLS, late."""

import pytest
from pywall_protocols.chat import irc, xmpp
from pywall_protocols.files import ftp
from pywall_protocols.mail import imap, nntp, pop3, smtp

from pywall_core.testing import client_hello, conversation, engine, find_transactions, transaction_contract

MAILS = (
    b"EHLO a.example\r\nMAIL FROM:<one@a.example> SIZE=3\r\nRCPT TO:<x@b.example>\r\n"
    b"RCPT TO:<@c:y@b.example>\r\nBDAT 10\r\n"
    b"STARTTLS\r\nBDAT 5 LAST\r\nRSET\n"
    b"mail from: <two@a.example>\r\nBDAT 22 LAST\r\nMAIL FROM:<in@a.body>\r\nMAIL FROM:<>\r\nRSET\r\n"
    b"MAIL FROM:<four@a.example>\r\n",
    b"220 b.example ESMTP\r\n250-b.example\r\n250 PIPELINING\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 part\r\n"
    b"250 queued\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n250 ok\r\n",
)
#: error and success before it; a body that is refused; TLS refused, then granted
SMTP = (
    b"EHLO a\r\n" + b"NOOP\r\n" * 20 + b"FOO\r\nDATA\r\nAUTH PLAIN\r\nAA==\r\nSTARTTLS\r\nRSET\r\nSTARTTLS\r\n",
    b"220 b ESMTP\r\n250 b\r\n"
    + b"250 ok\r\n" * 20
    + b"500 what\r\n503 no\r\n334 \r\n535 no\r\n454 not now\r\n250 ok\r\n220 go\r\n",
)
POP3 = (
    b"CAPA\r\nUSER a\r\nPASS b\r\nLIST\r\nLIST 1\r\nRETR 1\r\nSTLS\r\nNOOP\r\nSTLS\r\n",
    b"+OK POP3\r\n+OK\r\nSTLS\r\n.\r\n+OK\r\n-ERR no\r\n+OK\r\n1 2\r\n+OK not a reply\r\n.\r\n+OK 1 2\r\n"
    b"+OK\r\n+OK in a mail\r\n..\r\n.\r\n-ERR not now\r\n+OK\r\n+OK begin\r\n",
)
IMAP = (
    b"a1 CAPABILITY\r\na2 LOGIN {1}\r\nb {2+}\r\ncd\r\na3 STARTTLS\r\na4 NOOP\r\na5 starttls\r\n",
    b"* OK IMAP4rev1\r\n* CAPABILITY IMAP4rev1\r\na1 OK\r\n+ go\r\na2 NO\r\n* 1 FETCH {10}\r\na3 OK no\r\n"
    b")\r\na3 BAD\r\na4 OK\r\na5 OK begin\r\n",
)
NNTP = (
    b"CAPABILITIES\r\nPOST\r\nLIST\r\nMODE READER\r\nSTARTTLS\r\n",
    b"200 NNTP\r\n101 list\r\nVERSION 2\r\n382 not a reply\r\n.\r\n440 no\r\n215 list\r\n.\r\n200 ok\r\n382 go\r\n",
)
IRC = (
    b"NICK a\r\nUSER b\r\n" + b"PING x\r\n" * 30 + b"STARTTLS\r\nPING y\r\n:a STARTTLS\r\n",
    b":i 001 a :hello\r\n:z PRIVMSG a :670 or not\r\n:i 691 a :no\r\n:i PONG\r\n:i 670 a :yes\r\n",
)
XMPP = (
    b"<stream:stream to='a'><iq type='get'><starttls-not/></iq><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    b"<stream:stream><stream:features><starttls/></stream:features><proceed xmlns='x'/>",
)
FTP = (
    b"FEAT\r\nUSER a\r\nPASS secret\r\nAUTH GSSAPI\r\nLIST\r\nAUTH TLS\r\nNOOP\r\nAUTH TLS\r\n",
    b"220 FTP\r\n211-Features:\r\n AUTH TLS\r\n234 no reply\r\n211 End\r\n331 password\r\n230 ok\r\n504 no\r\n"
    b"150 here\r\n226 done\r\n421 busy\r\n200 ok\r\n234 go\r\n",
)
INSIDE = (b"\x16\3\1\0\5client", b"\x16\3\3\0\5server")

TestSmtp = transaction_contract(smtp, [MAILS, SMTP])
TestPop3 = transaction_contract(pop3, [POP3])
TestImap = transaction_contract(imap, [IMAP])
TestNntp = transaction_contract(nntp, [NNTP])
TestIrc = transaction_contract(irc, [IRC])
TestXmpp = transaction_contract(xmpp, [XMPP])
TestFtp = transaction_contract(ftp, [FTP])


@pytest.mark.parametrize(
    ("plugin", "both"),
    [(smtp, SMTP), (pop3, POP3), (imap, IMAP), (nntp, NNTP), (irc, IRC), (xmpp, XMPP), (ftp, FTP)],
)
def test_the_late_hand_over_is_found_behind_errors_and_refusals(plugin, both):
    found = find_transactions(plugin, (both[0] + INSIDE[0], both[1] + INSIDE[1]))
    assert found.hand_over is not None
    assert (found.hand_over.client, found.hand_over.server, found.hand_over.inside) == (*INSIDE, True)
    assert find_transactions(plugin, (both[0] + INSIDE[0], both[1][:-12])).hand_over is None


def test_mails():
    found = find_transactions(smtp, MAILS).complete
    assert [(facts["mail_from"], facts.get("rcpt_to")) for facts in found.values()] == [
        ("one@a.example", ["x@b.example", "y@b.example"]),
        ("two@a.example", None),
        ("", None),
        ("four@a.example", None),
    ]
    assert {facts["helo"] for facts in found.values()} == {"a.example"}


@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_body_is_no_command(size):
    turns = [
        (False, b"220 b ESMTP\r\n"),
        (True, b"MAIL FROM:<one@a>\r\nDATA\r\n"),
        (False, b"250 ok\r\n354 go\r\n"),
        (True, b"MAIL FROM:<in@body>\r\nSTARTTLS\r\n..\r\n.\r\nMAIL FROM:<two@a>\r\nSTARTTLS\r\n"),
        (False, b"250 queued\r\n250 ok\r\n220 go\r\n"),
    ]
    cut = [(side, data[at : at + size]) for side, data in turns for at in range(0, len(data), size)]
    found = find_transactions(smtp, cut)
    assert [facts["mail_from"] for facts in found.complete.values()] == ["one@a", "two@a"]
    assert found.hand_over is not None


def test_commands_sent_at_once_behind_a_refused_body_are_read():
    client = b"DATA\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n"
    found = find_transactions(smtp, [(False, b"220 b ESMTP\r\n"), (True, client), (False, b"503 no\r\n250 ok\r\n")])
    assert [facts["rcpt_to"] for facts in found.complete.values()] == [["c@d"]]


def test_ftp_commands():
    found = find_transactions(ftp, FTP).complete
    assert [(f["command"], f.get("command_data"), f.get("completion_code")) for _, f in sorted(found.items())][:5] == [
        ("FEAT", None, "211"),
        ("USER", "a", "331"),
        ("PASS", None, "230"),
        ("AUTH", "GSSAPI", "504"),
        ("LIST", None, "226"),
    ]


def test_a_forbidden_recipient_of_the_second_mail_does_not_pass():
    lab = engine("""
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: smtp.rcpt_to, glob: "*@forbidden.example", action: DROP}]}
default: ACCEPT
""")
    talk = conversation().server(b"220 b ESMTP\r\n").client(b"EHLO a\r\n").server(b"250 b\r\n")
    talk = talk.client(b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n").server(b"250 ok\r\n250 ok\r\n354 go\r\n")
    talk = talk.client(b"hello\r\n.\r\n").server(b"250 ok\r\n").client(b"MAIL FROM:<a@b>\r\nRCPT TO:<x@forb")
    verdicts = lab.send(talk.client(b"idden.example>\r\n").client(b"DATA\r\n"))
    assert [verdict.action.value for verdict in verdicts][-3:] == ["accept", "drop", "drop"]
    lab.close()
    assert [e["smtp"]["rcpt_to"] for e in lab.of_type("smtp")] == [["c@d"], ["x@forbidden.example"]]


@pytest.mark.parametrize("size", [1, 3, 9, 1400])
@pytest.mark.parametrize(
    "both",
    [
        (b"NOOP\r\n\r\nAUTH TLS\r\n", b"220 a FTP\r\n200 ok\r\n500 what\r\n234 go\r\n"),  # the empty line is answered
        (b"NOOP\r\n\xff\xfb\1\r\nAUTH TLS\r\n", b"220 a FTP\r\n200 ok\r\n500 what\r\n234 go\r\n"),
        (b"EHLO a\r\nGO-TLS\r\n", b"220 a ESMTP\r\n250 ok\r\n220 go\r\n"),
        (b"CAPA\r\nSTLS\0\r\n", b"+OK POP3 ready\r\n+OK\r\nSTLS\r\n.\r\n+OK begin\r\n"),
        (
            b"a CAPABILITY\r\na STARTTLS\x0b\r\n",
            b"* OK IMAP4rev1 ready\r\n* CAPABILITY IMAP4rev1\r\na OK\r\na OK begin\r\n",
        ),
        (b"CAPABILITIES\r\nSTARTTLS\0\r\n", b"200 NNTP InterNetNews\r\n101 list\r\nVERSION 2\r\n.\r\n281 go\r\n"),
        (b"NICK a\r\nUSER a 0 * :a\r\n@a STARTTLS x\r\n", b":i 001 a :hello\r\n:i 999 a :yes\r\n"),
        (
            XMPP[0].replace(b"</iq>", b"</iq><starttls a='>'/>")[:77],
            b"<?xml version='1.0'?><stream:stream xmlns='jabber:client'><proceed/>",
        ),
        (
            XMPP[0].replace(b"</iq>", b"</iq><starttls a='>'/>\x16<aaaaaaaaaaaaaaaaaaaa/>")[:100],
            b"<?xml version='1.0'?><stream:stream xmlns='jabber:client'><proceed/>",
        ),
    ],
)
def test_a_client_hello_that_nothing_granted_is_ambiguous(both, size):
    lab = engine("""
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: tls.sni, is: bad.example, action: DROP}]}
default: ACCEPT
""")
    hello = client_hello("bad.example")
    greeting, sep, told = both[1].partition(b"\n")
    talk = conversation().server(greeting + sep).client(both[0]).server(told)
    for at in range(0, len(hello), size):
        talk = talk.client(hello[at : at + size])
    assert lab.send(talk)[-1].action.value == "drop"


def test_a_body_may_begin_with_what_is_a_hello():
    said = b"220 a ESMTP\r\n250 ok\r\n354 go\r\n250 ok\r\n"
    body = b"\x16\3\1\2\0\1\0\1\xfc\3\3\r\n.\r\n"
    turns = [(True, b"EHLO a\r\nDATA\r\n"), (False, said), (True, body)]
    assert find_transactions(smtp, turns).ambiguous == set()
