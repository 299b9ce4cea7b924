"""Syslog."""

import pytest
from pywall_protocols.management import syslog

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

BSD = b"<34>Oct 11 22:14:15 mymachine su: 'su root' failed for lonvick on /dev/pts/8"
NEW = b"<165>1 2003-10-11T22:14:15.003Z mymachine.example.com evntslog - ID47 - \xef\xbb\xbfAn event"
ROUTER = b"<189>72: Mar  3 19:57:17.371: %LINK-5-CHANGED: Interface down"
FORWARDED = b"<167>2016-05-24T09:50:50.926451+02:00 ldap01 slapd[345]: conn=115 op=0 SRCH attr=uid"
BARE = b"<13>anything at all"

TestSyslogOverUdp = detector_contract(
    syslog,
    [conversation("udp").client(text) for text in (BSD, NEW, ROUTER, BARE, BSD + b"\n\0")],
    [
        conversation("udp").client(text)
        for text in (b"<192>Oct 11 22:14:15 x", b"<034>Oct 11", b"<34>\1\2\3", b"<34>", b"<a>text</a>", b"34>text")
    ],
)
TestSyslogOverTcp = detector_contract(
    syslog,
    [
        conversation().client(BSD + b"\n"),
        conversation().client(b"%d %s" % (len(NEW), NEW)),
        conversation().client(NEW),
        conversation().client(FORWARDED + b"\n" + FORWARDED + b"\n"),
        conversation().client(b"%d %s" % (len(FORWARDED), FORWARDED)),
    ],
    [conversation().client(b"<html><body>"), conversation().client(b"12 <34>what"), conversation().client(BARE)],
)


def test_facts(ask):
    assert ask(syslog, [BSD]).facts == {"facility": 4, "severity": 2}


@pytest.mark.parametrize(("data", "answer"), [(b"<3", MORE), (b"83 <165>1", MORE), (b"123456 <", NO), (b"<3a", NO)])
def test_the_beginning_of_a_stream(ask, data, answer):
    assert ask(syslog, data) is answer
