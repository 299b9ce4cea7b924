"""Requests that some server reads out of bytes which another one takes for something else: none is let through.

What is sent is dropped where rules ask what it says, and passes where none does.
"""

import pytest

from pywall_core.testing import conversation, engine, late_hand_overs

pytest.importorskip("pywall_stream")

POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: %s, is: %s, action: DROP}]}
default: ACCEPT
"""
GET = b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"
SECRET = GET % b"/secret"
OK = GET % b"/ok"
POST = b"POST /ok HTTP/1.1\r\nHost: a\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
BODY = b"5\r\nhello\r\n0\r\n\r\n"

#: one flight of a client; each has /secret in it for some server
HTTP = {
    "length and chunks": POST + b"Content-Length: 100\r\n" + CHUNKED + b"\r\n0\r\n\r\n" + SECRET,
    "chunks and length": POST + CHUNKED + b"Content-Length: 5\r\n\r\n64\r\nhello" + SECRET,
    "two lengths": POST + b"Content-Length: 5\r\nContent-Length: 100\r\n\r\nhello" + SECRET,
    "list of lengths": POST + b"Content-Length: 100, 5\r\n\r\nhello" + SECRET,
    "signed length": POST + b"Content-Length: +100\r\n\r\n" + SECRET,
    "length with blanks": POST + b"Content-Length: 10 0\r\n\r\n" + SECRET,
    "blank before colon": POST + b"Transfer-Encoding : chunked\r\nContent-Length: 100\r\n\r\n" + SECRET,
    "tab before colon": POST + b"Content-Length\t: 100\r\n\r\n" + SECRET,
    "blank before name": POST + b" Content-Length: 100\r\n\r\n" + SECRET,
    "first line folded": b"POST /ok HTTP/1.1\r\n Content-Length: 100\r\nHost: a\r\n\r\n" + SECRET,
    "folded length": POST + b"Content-Length:\r\n 100\r\n\r\n" + SECRET,
    "folded under another": POST + b"X: y\r\n Transfer-Encoding: chunked\r\nContent-Length: 100\r\n\r\n" + SECRET,
    "vertical tab": POST + b"Transfer-Encoding:\x0bchunked\r\n\r\n64\r\n" + SECRET,
    "unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n" + SECRET,
    "chunked is not last": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n64\r\n" + SECRET,
    "chunked twice": POST + CHUNKED + CHUNKED + b"\r\n64\r\n" + SECRET,
    "chunks in 1.0": POST.replace(b"1.1", b"1.0") + CHUNKED + b"\r\n64\r\n" + SECRET,
    "bare CR in a head": POST + b"X: y\rContent-Length: 100\r\n\r\n" + SECRET,
    "CR hides a length": POST + b"X: y\r\nZ:\rContent-Length: 100\r\n\r\n" + SECRET,
    "LF hides a length": POST + b"X: y\nContent-Length: 100\r\n\r\n" + SECRET,
    "LF in an extension": POST + CHUNKED + b"\r\n2;\nxx\r\n4c\r\n0\r\n\r\n" + SECRET,
    "LF after a chunk": POST + CHUNKED + b"\r\n5\r\nhello\n64\r\n" + SECRET,
    "CR in an extension": POST + CHUNKED + b"\r\n64;\rxx\r\n" + SECRET,
    "hexadecimal with prefix": POST + CHUNKED + b"\r\n0x0\r\n\r\n" + SECRET,
    "signed chunk": POST + CHUNKED + b"\r\n+0\r\n\r\n" + SECRET,
    "negative chunk": POST + CHUNKED + b"\r\n-0\r\n\r\n" + SECRET,
    "chunk with underscore": POST + CHUNKED + b"\r\n0_0\r\n\r\n" + SECRET,
    "chunk of many digits": POST + CHUNKED + b"\r\n" + b"0" * 20 + b"\r\n\r\n" + SECRET,
    "chunk is longer": POST + CHUNKED + b"\r\n5\r\nhelloX\r\n0\r\n\r\n" + SECRET,
    "blanks before a size": POST + CHUNKED + b"\r\n\x0b0\r\n\r\n" + SECRET,
    "behind nonsense": OK + b"\0\0\0\r\n" + SECRET,
    "behind a long method": OK + b"X" * 70 + b" / HTTP/1.1\r\n\r\n" + SECRET,
    "behind another version": OK + b"GET / HTTP/12.345\r\n\r\n" + SECRET,
    "behind an upgrade nobody knows": POST + b"Upgrade: x\r\n\r\n" + b"X" * 70 + b" / HTTP/1.1\r\n\r\n" + SECRET,
    "behind CONNECT": b"CONNECT a:1 HTTP/1.1\r\n\r\n" + b"X" * 70 + b" / HTTP/1.1\r\n\r\n" + SECRET,
    "behind empty lines": b"\r\n" * 200 + SECRET,
    "behind many empty lines": b"\r\n" * 20_000 + SECRET,
    "the first": SECRET,
    "HTTP/0.9": b"GET /secret\r\n",
    "HTTP/0.9 and more": b"GET /secret\r\nand more\r\n",
    "HTTP/0.9 behind another": OK + b"GET /secret\r\n",
    "absolute form": b"GET http://a/secret HTTP/1.1\r\nHost: a\r\n\r\n",
    "absolute form, query": OK + b"GET hTTp://a:80/secret?x HTTP/1.1\r\nHost: a\r\n\r\n",
    "percent": GET % b"/%73ecret",
    "dots": GET % b"/./x/../secret",
    "slashes": GET % b"//secret",
    "fragment": GET % b"/secret#x",
    "bare LF": SECRET.replace(b"\r", b""),
    "tabs": b"GET\t/secret\tHTTP/1.1\r\nHost: a\r\n\r\n",
    "lower case": SECRET.replace(b"HTTP/1.1", b"http/1.1"),
    "odd blanks": b"GET\x0b/secret\xa0HTTP/1.1\r\nHost: a\r\n\r\n",
    "CR for a blank": b"GET\r /secret HTTP/1.1\r\nHost: a\r\n\r\n",
    "odd blank and no version": b"GET\xa0/secret\r\nHost: a\r\n\r\n",
    "a version with zeros": SECRET.replace(b"1.1", b"01.1"),
    "a signed version": SECRET.replace(b"1.1", b"+1.1"),
    "a version with a blank": SECRET.replace(b"/1.1", b"/ 1.1"),
    "another name of the version": SECRET.replace(b"HTTP", b"HTTPS"),
    "behind an odd version": OK.replace(b"1.1", b"1.10") + SECRET,
    "behind odd blanks": OK.replace(b" ", b"\x1c", 1) + SECRET,
    "behind a method and a target that nobody knows": b"GGET a HTTP/1.1\r\nHost: a\r\n\r\n" + SECRET,
    "fields without a version": b"POST http://a/secret\r\nHost: a\r\n\r\n",
    "behind a body without a version": b"GET a:80\r\nContent-Length: 5\r\n\r\nhello" + SECRET,
    "scheme without a host": GET % b"http:/secret",
    "tab in the target": GET % b"/sec\tret",
    "control byte before the target": GET % b"\x01/secret",
    "expect": POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\nhello" + SECRET,
    "trailers": POST + CHUNKED + b"Trailer: x\r\n\r\n" + BODY[:-2] + b"x: y\r\n\r\n" + SECRET,
}
MAIL = b"EHLO a\r\nMAIL FROM:<ok>\r\nRCPT TO:<you>\r\n"
BAD = b"MAIL FROM:<bad>\r\n"
#: what a server says, then what the client sends in one flight
SMTP = {
    "pipelined": (b"", MAIL + b"RSET\r\n" + BAD),
    "LF ends": (b"", MAIL.replace(b"\r", b"") + b"RSET\n" + BAD.replace(b"\r", b"")),
    "source route": (b"", b"EHLO a\r\nMAIL FROM:<@x,@y:bad>\r\n"),
    "blanks": (b"", b"EHLO a\r\n mail\tFROM : <bad>\r\n"),
    "no brackets": (b"", b"EHLO a\r\nMAIL FROM:bad\r\n"),
    "body before the go-ahead": (b"", MAIL + b"DATA\r\nBDAT 9999\r\n.\r\n" + BAD),
    "chunk of a server that knows none": (b"", MAIL + b"BDAT 9999 LAST\r\n" + BAD),
    "chunk with a wrong word": (b"250-a\r\n250 CHUNKING\r\n", MAIL + b"BDAT 9999 FIRST\r\n" + BAD),
    "chunk of mixed lines": (b"250-a\r\n250 CHUNKING\r\n", MAIL + b"NOOP x\nBDAT 9999\r\n" + BAD),
    "chunk for an answer": (b"250-a\r\n250 CHUNKING\r\n", b"AUTH PLAIN\r\nBDAT 9999\r\n" + BAD),
    "behind STARTTLS": (b"", b"EHLO a\r\nSTARTTLS\r\n" + BAD),
    "long line": (b"", b"EHLO a\r\n" + b" " * 5000 + BAD),
    "behind a chunk": (b"250-a\r\n250 CHUNKING\r\n", MAIL + b"BDAT 5 LAST\r\nhello" + BAD),
}
#: bodies that end early for servers which take other line ends
ENDS = (b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r\r\n")


def sent(policy, talk):
    lab = engine(policy, live=True)
    return [verdict.action.value for verdict in lab.send(talk)], lab


@pytest.mark.parametrize("name", HTTP)
def test_no_server_gets_the_hidden_request(name):
    verdicts, _ = sent(POLICY % ("http.path", "/secret"), conversation().client(HTTP[name]))
    assert verdicts[-1] == "drop"


#: what may be inside is hidden too
BEFORE_AN_ANSWER = ("behind an upgrade nobody knows", "behind CONNECT")


@pytest.mark.parametrize("name", HTTP)
def test_where_no_rule_asks_it_passes(name):
    policy = POLICY % ("tls.sni", "a")
    if name in BEFORE_AN_ANSWER:
        policy = policy.replace("rule: fact, name: tls.sni, is: a", "rule: ip, src: 203.0.113.99")
    verdicts, lab = sent(policy, conversation().client(HTTP[name]))
    assert (verdicts[-1], lab.engine.counters["failure.ambiguous"]) == ("accept", 0)


@pytest.mark.parametrize("name", BEFORE_AN_ANSWER)
def test_what_may_be_inside_is_not_sent_before_the_answer(name):
    verdicts, _ = sent(POLICY % ("tls.sni", "a"), conversation().client(HTTP[name]))
    assert verdicts[-1] == "drop"


@pytest.mark.parametrize("name", HTTP)
def test_byte_by_byte_it_does_not_arrive_whole(name):
    if len(HTTP[name]) > 2000:
        pytest.skip("the same as the shorter one")
    verdicts, _ = sent(POLICY % ("http.path", "/secret"), conversation().client(HTTP[name]).split(1))
    assert verdicts[-1] == "drop"


HONEST = {
    "bodies": POST + b"Content-Length: 5\r\n\r\nhello" + OK + POST + CHUNKED + b"\r\n" + BODY + OK,
    "bytes of UTF-8": GET % "/caf\xe9\xa0\x85".encode() + OK,
    "an extension": POST + CHUNKED + b'\r\n5;x="y;z"\r\nhello\r\n0 \r\n\r\n' + OK,
    "same length twice": POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" + OK,
    "gzip and chunked": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n" + BODY + OK,
    "typed by hand": OK.replace(b"\r", b"") * 3,
    "folded, as mail has it": b"GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z: at 12:30\r\n\r\n",
    "long cookie": b"GET / HTTP/1.1\r\nCookie: " + b"x" * 20_000 + b"\r\nHost: a\r\n\r\n" + OK,
    "secret in a body": POST + b"Content-Length: %d\r\n\r\n" % len(SECRET) + SECRET + OK,
    "secret in chunks": POST + CHUNKED + b"\r\n%x\r\n" % len(SECRET) + SECRET + b"\r\n0\r\n\r\n" + OK,
    "two empty lines between": POST + b"Content-Length: 5\r\n\r\nhello\r\n\r\n" + OK,
}


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize("size", [1400, 7])
def test_honest_requests_pass(name, size):
    verdicts, lab = sent(POLICY % ("http.path", "/secret"), conversation().client(HONEST[name]).split(size))
    assert (set(verdicts), lab.engine.counters["failure.ambiguous"]) == ({"accept"}, 0)


def test_the_switch_lets_it_pass_and_says_so():
    policy = POLICY % ("http.path", "/secret") + "failure: {ambiguous: pass-flow}\n"
    verdicts, lab = sent(policy, conversation().client(HTTP["hexadecimal with prefix"]))
    assert (verdicts[-1], lab.engine.counters["failure.ambiguous"]) == ("accept", 1)
    assert [e["anomaly"]["event"] for e in lab.of_type("anomaly")][-1] == "http.ambiguous.contradiction"


def test_observe_mode_lets_it_pass():
    policy = POLICY % ("http.path", "/secret") + "mode: observe\n"
    assert sent(policy, conversation().client(HTTP["hexadecimal with prefix"]))[0][-1] == "accept"


@pytest.mark.parametrize("name", SMTP)
@pytest.mark.parametrize("size", [1400, 1])
def test_no_mail_is_hidden(name, size):
    extensions, flight = SMTP[name]
    talk = conversation().server(b"220 b.example ESMTP\r\n")
    if extensions:
        talk = talk.client(b"EHLO a\r\n").server(extensions)
        flight = flight.removeprefix(b"EHLO a\r\n")
    verdicts, _ = sent(POLICY % ("smtp.mail_from", "bad"), talk.client(flight).split(size))
    assert verdicts[-1] == "drop"


@pytest.mark.parametrize("end", ENDS)
def test_a_body_that_some_servers_take_for_two_mails(end):
    talk = (
        conversation().server(b"220 b ESMTP\r\n").client(MAIL).server(b"250-b\r\n250 CHUNKING\r\n250 ok\r\n250 ok\r\n")
    )
    talk = talk.client(b"DATA\r\n").server(b"354 go\r\n")
    body = b"hello" + end + b"BDAT 9999\r\n\r\n.\r\n" + BAD + b"text\r\n.\r\n"
    assert sent(POLICY % ("smtp.mail_from", "bad"), talk.client(body))[0][-1] == "drop"


def test_honest_mails_pass():
    talk = (
        conversation().server(b"220 b ESMTP\r\n").client(MAIL).server(b"250-b\r\n250 CHUNKING\r\n250 ok\r\n250 ok\r\n")
    )
    talk = talk.client(b"DATA\r\n").server(b"354 go\r\n").client(b"lines\nby LF\r\n..\r\n" + BAD + b"\r\n.\r\n")
    talk = talk.server(b"250 ok\r\n").client(MAIL[8:]).server(b"250 ok\r\n" * 2).client(b"BDAT 17 LAST\r\n" + BAD)
    talk = talk.server(b"250 ok\r\n").client(b"AUTH LOGIN\r\n").server(b"334 \r\n").client(b"TUFJTA==\r\n")
    talk = talk.server(b"235 ok\r\n").client(b"QUIT\r\n")
    verdicts, lab = sent(POLICY % ("smtp.mail_from", "bad"), talk)
    assert (set(verdicts), lab.engine.counters["failure.ambiguous"]) == ({"accept"}, 0)


REDIS = {
    "inline": b"FLUSHALL\r\n",
    "inline behind another": b"INFO\r\nFLUSHALL\r\n",
    "quoted": b'DBSIZE\r\n"FLUSHALL"\r\n',
    "escaped": b'DBSIZE\r\n"\\x46LUSHALL"\r\n',
    "apostrophes": b"DBSIZE\r\n'FLUSHALL'\r\n",
    "behind blanks": b"DBSIZE\r\n" + b" " * 6000 + b"FLUSHALL\r\n",
    "array": b"*1\r\n$8\r\nFLUSHALL\r\n",
    "two bytes for an end": b"*2\r\n$3\r\nGET\r\n$1\r\nkXXFLUSHALL\r\n",
    "CR alone": b"DBSIZE\r\n*1\rX$8\rXFLUSHALL\rX",
    "behind a bad length": b"*2\r\n$3\r\nGET\r\n$+1\r\nk\r\n*1\r\n$8\r\nFLUSHALL\r\n",
    "leading zeros": b"DBSIZE\r\n*0001\r\n$000000000000008\r\nFLUSHALL\r\n",
}


@pytest.mark.parametrize("name", REDIS)
def test_no_command_is_hidden(name):
    assert sent(POLICY % ("redis.command", "FLUSHALL"), conversation().client(REDIS[name] + b"\n"))[0][-1] == "drop"


FTP = {
    "interrupt": b"\xff\xf4\xff\xf2SITE EXEC x\r\n",
    "within the verb": b"SI\xff\xf1TE EXEC x\r\n",
    "an option within the verb": b"SI\xff\xfb\x01TE EXEC x\r\n",
    "behind CR": b"NOOP\rSITE EXEC x\r\n",
    "behind NUL": b"\0SITE EXEC x\r\n",
    "long": b" " * 5000 + b"SITE EXEC x\r\n",
    "LF": b"NOOP\nSITE EXEC x\n",
}


@pytest.mark.parametrize("name", FTP)
def test_no_ftp_command_is_hidden(name):
    talk = conversation().server(b"220 FTP\r\n").client(b"USER a\r\n").server(b"331 x\r\n").client(FTP[name])
    assert sent(POLICY % ("ftp.command", "SITE"), talk)[0][-1] == "drop"


def ldap_search(base, length):
    search = b"\4\x82" + len(base).to_bytes(2, "big") + base + b"\x0a\1\2\x0a\1\0\2\1\0\2\1\0\1\1\0\x87\1x0\0"
    inner = b"\2\1\2\x63\x82" + len(search).to_bytes(2, "big") + search
    return b"0" + length(len(inner)) + inner


LDAP = {
    "long form": ldap_search(b"cn=bad", lambda size: b"\x84" + size.to_bytes(4, "big")),
    "leading zeros": ldap_search(b"cn=bad", lambda size: b"\x88" + size.to_bytes(8, "big")),
    "indefinite": ldap_search(b"cn=bad", lambda size: b"\x80") + b"\0\0",
    "behind what is no message": b"\x31\2ab" + ldap_search(b"cn=bad", lambda size: bytes([size])),
    "a long name": ldap_search(b"cn=bad" + b" " * 6000, lambda size: b"\x82" + size.to_bytes(2, "big")),
}
BIND = b"0\x0c\2\1\1\x60\7\2\1\3\4\0\x80\0", b"0\x0c\2\1\1\x61\7\x0a\1\0\4\0\4\0"


@pytest.mark.parametrize("name", LDAP)
def test_no_search_is_hidden(name):
    talk = conversation().client(BIND[0]).server(BIND[1]).client(LDAP[name])
    policy = POLICY % ("ldap.request.search_request.base_object", "cn=bad")
    assert sent(policy, talk)[0][-1] == "drop"


def test_what_sasl_seals_is_no_contradiction():
    bind = b"0\x18\2\1\1\x60\x13\2\1\3\4\0\xa3\x0c\4\6GSSAPI\4\2ab"
    talk = conversation().client(bind).server(BIND[1]).client(b"\0\0\0\x20" + bytes(range(100, 132)))
    verdicts, lab = sent(POLICY % ("ldap.request.search_request.base_object", "cn=bad"), talk)
    assert (verdicts[-1], lab.engine.counters["failure.ambiguous"]) == ("accept", 0)


SIP = b"OPTIONS sip:%s SIP/2.0\r\nVia: x\r\nCall-ID: 1\r\nCSeq: 1 OPTIONS\r\n%s\r\n"
SIP_HIDDEN = {
    "two lengths": SIP % (b"a", b"Content-Length: 0\r\nl: 500\r\n") + SIP % (b"bad", b""),
    "folded length": SIP % (b"a", b"Content-Length:\r\n 500\r\n") + SIP % (b"bad", b""),
    "signed length": SIP % (b"a", b"Content-Length: +500\r\n") + SIP % (b"bad", b""),
    "LF": SIP % (b"a", b"X: y\nContent-Length: 500\r\n") + SIP % (b"bad", b""),
    "behind a long head": SIP % (b"a", b"X: " + b"y" * 40_000 + b"\r\n") + SIP % (b"bad", b""),
    "two blanks": SIP % (b"a", b"") + (SIP % (b"bad", b"")).replace(b" SIP/2", b"  SIP/2"),
    "plain": SIP % (b"a", b"") + SIP % (b"bad", b""),
}


@pytest.mark.parametrize("name", SIP_HIDDEN)
def test_no_sip_request_is_hidden(name):
    talk = conversation().client(SIP_HIDDEN[name]).split(30_000)
    assert sent(POLICY % ("sip.uri", "'sip:bad'"), talk)[0][-1] == "drop"


def test_no_sip_datagram_is_hidden():
    talk = conversation("udp", server=("198.51.100.2", 5060)).client(SIP % (b"a", b""))
    for hidden in (
        SIP_HIDDEN["two blanks"][len(SIP % (b"a", b"")) :],
        (SIP % (b"bad", b"")).replace(b"OPT", b"Opt", 1),
    ):
        assert sent(POLICY % ("sip.uri", "'sip:bad'"), talk.client(hidden))[0][-1] == "drop"
    kept_alive = talk.client(b"\r\n\r\n").client(b"\0").client(b"jaK").client(SIP % (b"b", b""))
    assert set(sent(POLICY % ("sip.uri", "'sip:bad'"), kept_alive)[0]) == {"accept"}


def question(name, kind=1):
    labels = b"".join(bytes([len(label)]) + label for label in name.split(b"."))
    return labels + b"\0" + kind.to_bytes(2, "big") + b"\0\1"


DNS = {
    "plain": (1, question(b"bad.example")),
    "upper case": (1, question(b"BaD.eXample")),
    "the last of many": (20, b"".join(question(b"n%d.example" % n) for n in range(19)) + question(b"bad.example")),
    "compressed": (2, question(b"ok.example") + b"\3bad\xc0\x0f\0\1\0\1"),
    "an unknown type": (1, question(b"bad.example", 1000)),
}


@pytest.mark.parametrize("name", DNS)
def test_no_question_is_hidden(name):
    count, questions = DNS[name]
    first = b"\0\1\1\0\0\1" + bytes(6) + question(b"ok.example")
    hidden = b"\0\2\1\0" + count.to_bytes(2, "big") + bytes(6) + questions
    talk = conversation("udp", server=("198.51.100.2", 53)).client(first).client(hidden)
    assert sent(POLICY % ("dns.rrname", "bad.example"), talk)[0][1:] == ["drop"]


@pytest.mark.parametrize("protocol", ["imap", "managesieve", "nntp", "pop3", "smtp", "ftp", "irc"])
def test_bytes_behind_starttls_before_its_answer(protocol):
    """They are neither this protocol's nor TLS: servers that read on have run them as commands inside TLS."""
    _, turns = late_hand_overs()[protocol]
    talk = conversation()
    for to_server, data in turns[:-1]:
        talk = talk.client(data) if to_server else talk.server(data)
    talk = talk.client(b"x NOOP\r\n")
    assert sent(POLICY % ("app_proto", "tls"), talk)[0][-1] == "drop"


LITERALS = {
    "imap": (b"* OK IMAP4rev1 ready\r\n", b"a NOOP {99999}\r\n", b"a BAD no\r\n", b"b STARTTLS\r\n", b"b OK go\r\n"),
    "managesieve": (
        b'"IMPLEMENTATION" "E"\r\n"SIEVE" "x"\r\n"STARTTLS"\r\n"VERSION" "1.0"\r\nOK\r\n',
        b"NOOP {99999}\r\n",
        b"NO\r\n",
        b"STARTTLS\r\n",
        b"OK\r\n",
    ),
}


@pytest.mark.parametrize("protocol", LITERALS)
def test_a_literal_that_the_server_refuses_hides_nothing(protocol):
    from pywall_core.testing import client_hello, server_hello

    greeting, asked, refused, starttls, granted = LITERALS[protocol]
    talk = conversation().server(greeting).client(asked).server(refused).client(starttls).server(granted)
    talk = talk.client(client_hello("a.example")).server(server_hello())
    verdicts, lab = sent(POLICY % ("app_proto", "tls"), talk)
    assert verdicts[-2:] == ["drop", "drop"]
    (flow,) = lab.close()
    assert (flow["app_proto"], flow["app_proto_outer"]) == ("tls", protocol)


def test_what_is_ambiguous_at_a_flows_end_is_no_other_flows():
    """Bytes behind STARTTLS that the detector names when the connection is over: nobody sends them any more."""
    lab = engine(POLICY % ("app_proto", "tls"))
    lab.send(conversation().client(b"c STARTTLS\r\nc STARTTLS\r\n"))
    lab.engine.flows.clear("timeout")
    other = conversation(client=("192.0.2.9", 40000)).client(GET % b"/ok")
    assert {verdict.action for verdict in lab.send(other)} == {"accept"}
    assert lab.engine.counters["failure.ambiguous"] == 0
