"""A request that is sent back with a byte changed proves nothing, what answers it does: also where the answer says
nearly the same, has a number of another length, or belongs to a later question.
"""

from importlib import import_module

import pytest

from pywall_core.api import Match
from pywall_core.testing import make_flow, udp_packet

#: places of a request at which one changed byte may make it an answer: who says it, and what
MARKS = 2
#: they look at the first datagram of each side
FIRST_ALONE = ("tunnels.wireguard", "voip.sip")


def _ber(tag, body):
    return bytes([tag, len(body)]) + body


def snmp(pdu, number, value=b"\5\0"):
    pair = _ber(0x30, _ber(0x30, b"\6\x08\x2b\6\1\2\1\1\5\0" + value))
    return _ber(0x30, b"\2\1\1\4\6public" + _ber(pdu, _ber(2, number) + b"\2\1\0\2\1\0" + pair))


def snmp3(number, flags):
    header = _ber(0x30, _ber(2, number) + b"\2\3\0\xff\xe3\4\1" + bytes([flags]) + b"\2\1\3")
    return _ber(0x30, b"\2\1\3" + header + b"\4\x10engine and users" + b"\4\x20" + bytes(range(flags, flags + 32)))


def dhcp(operation, kind, number=b"\x48\xad\x22\xbf"):
    head = bytes([operation, 1, 6, 0]) + number + bytes(20) + b"\2\0\0\0\0\1" + bytes(202)
    return head + b"\x63\x82\x53\x63\x35\1" + bytes([kind]) + b"\xff"


def ntp(mode, origin, transmit):
    return bytes([0x20 | mode, 2, 6, 0xEC]) + bytes(20) + origin + bytes(8) + transmit


def ike(responder, flags, number=0, version=0x20):
    body = bytes(range(60))
    return (
        b"initiate" + responder + b"\x21" + bytes([version, 34, flags]) + bytes([0, 0, 0, number, 0, 0, 0, 88]) + body
    )


def name_service(flags, counts):
    name = b"\x20" + b"CK" + b"A" * 30 + b"\0\0\x21\0\1"
    return b"\x84\xe7" + flags + counts + name


def l2tp(kind, number=0, tunnel=0):
    body = b"\x80\x08\0\0\0\0" + bytes([0, kind]) + b"\x80\x0a\0\0\0\7name"
    return b"\xc8\2" + (12 + len(body)).to_bytes(2) + bytes([0, tunnel, 0, 0, 0, number, 0, 0]) + body


def sip(first, call="a84b4c76e66710", via="client"):
    return f"{first}\r\nVia: SIP/2.0/UDP {via};branch=z9hG4bK7\r\nCall-ID: {call}\r\nCSeq: 1 INVITE\r\n\r\n".encode()


def stream(attributes):
    spaces = b"xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'"
    return b"<?xml version='1.0'?><stream:stream %s %s>" % (spaces, attributes)


def kexinit(cookie):
    names = b"".join(len(each).to_bytes(4) + each for each in (b"curve25519-sha256,ext-info", *[b"ssh-ed25519"] * 9))
    body = b"\4\x14" + cookie + names + bytes(9)
    return b"SSH-2.0-OpenSSH_9.2\r\n" + len(body).to_bytes(4) + body


def wireguard(receiver, fill):
    return b"\4\0\0\0" + receiver + bytes(8) + bytes((at * fill) % 251 for at in range(48))


PEER = b"\x13BitTorrent protocol" + bytes(8) + bytes(range(20))
TIME, LATER = b"\xda\xb5\x1f\xe5\1\2\3\4", b"\xda\xb5\x1f\xe5\1\2\3\x99"
THERE = udp_packet("2001:0:c000:201::1", 1, "2001:db8::2", 2, b"x" * 30)
BACK = udp_packet("2001:db8::2", 2, "2001:0:c000:201::1", 1, b"x" * 30)
ECHO = bytes.fromhex("3201 0004 00000000 0001 0000")

DATAGRAMS = [
    ("discovery.dhcp", [dhcp(1, 1)], [dhcp(2, 2)]),
    ("discovery.dhcp", [dhcp(1, 1), dhcp(1, 3, b"next")], [dhcp(2, 5, b"next")]),
    ("discovery.dhcpv6", [b"\1abc\0\6\0\2\0\x17"], [b"\2abc\0\1\0\4duid"]),
    ("discovery.dhcpv6", [b"\x0eabc\0\1\0\4duid"], [b"\x0fabc\0\1\0\4duid"]),
    (
        "discovery.netbios",
        [name_service(b"\0\x10", b"\0\1" + bytes(6))],
        [name_service(b"\x84\0", b"\0\0\0\1\0\0\0\0")],
    ),
    (
        "discovery.netbios",
        [name_service(b"\x29\0", b"\0\1" + bytes(6))],
        [name_service(b"\xad\x80", b"\0\0\0\1\0\0\0\0")],
    ),
    ("discovery.srvloc", [b"\1\1\0\x10\0\0en\0\3\0\x07abcd"], [b"\1\2\0\x10\0\0en\0\3\0\x07abcd"]),
    ("management.ntp", [ntp(3, bytes(8), TIME)], [ntp(4, TIME, LATER)]),
    ("management.ntp", [ntp(3, bytes(8), TIME)], [ntp(4, bytes(8), LATER)]),
    ("management.ntp", [ntp(3, LATER, TIME)], [ntp(4, LATER, b"interval")]),
    ("management.ntp", [ntp(1, bytes(8), TIME)], [ntp(2, TIME, LATER)]),
    ("management.ntp", [bytes.fromhex("160200010000000000000000")], [bytes.fromhex("168200010000000000000001") + b"a"]),
    ("management.snmp", [snmp(0xA0, b"\1\2\3\4")], [snmp(0xA2, b"\1\2\3\4", b"\4\4text")]),
    ("management.snmp", [snmp(0xA0, b"\0\0\0\x07")], [snmp(0xA2, b"\7", b"\4\4text")]),
    ("management.snmp", [snmp(0xA6, b"\7")], [snmp(0xA2, b"\7")]),
    ("management.snmp", [snmp(0xA0, b"\1"), snmp(0xA0, b"\2")], [snmp(0xA2, b"\2", b"\4\4text")]),
    ("management.snmp", [snmp3(b"\1\2", 7)], [snmp3(b"\1\2", 3)]),
    (
        "peers.bittorrent",
        [b"d1:ad2:id20:" + bytes(20) + b"e1:q4:ping1:t2:aa1:y1:qe"],
        [b"d1:rd2:id20:" + bytes(20) + b"e1:t2:aa1:y1:re"],
    ),
    ("telecom.gtp", [ECHO], [b"\x32\2" + ECHO[2:]]),
    ("telecom.gtp", [b"\x32\1\0\6" + ECHO[4:] + b"\x0e\0"], [b"\x32\2\0\6" + ECHO[4:] + b"\x0e\1"]),
    ("telecom.pfcp", [b"\x20\1\0\x0c\0\0\1\0\0\x60\0\4time"], [b"\x20\2\0\x0c\0\0\1\0\0\x60\0\4then"]),
    ("tunnels.ike", [ike(bytes(8), 8)], [ike(b"response", 0x20)]),
    (
        "tunnels.ike",
        [ike(bytes(8), 0, version=0x10)[:18] + b"\2" + ike(bytes(8), 0)[19:]],
        [ike(b"response", 0, version=0x10)[:18] + b"\2" + ike(bytes(8), 0)[19:]],
    ),
    ("tunnels.ike", [ike(b"response", 8, 3)], [ike(b"response", 0x20, 3)]),
    ("tunnels.l2tp", [l2tp(1)], [l2tp(2, tunnel=9)]),
    ("tunnels.l2tp", [l2tp(6, 4, 9)], [bytes.fromhex("c802000c000300000000000 5".replace(" ", ""))]),
    ("tunnels.teredo", [THERE], [BACK]),
    ("tunnels.wireguard", [wireguard(b"here", 7)] * 2, [wireguard(b"else", 11)] * 2),
    ("voip.sip", [sip("INVITE sip:me@example.com SIP/2.0")], [sip("SIP/2.0 200 OK")]),
    ("voip.sip", [sip("INVITE sip:me@example.com SIP/2.0")], [sip("SIP/2.0 180 J\xf6rg l\xe4utet")]),
    (
        "voip.sip",
        [sip("OPTIONS sip:a@example.com SIP/2.0")],
        [sip("OPTIONS sip:b@example.org SIP/2.0", "another call", "x")],
    ),
    ("voip.sip", [sip("INVITE sip:me@example.com SIP/2.0")[:70]], [sip("SIP/2.0 200 OK")[:60]]),
]
STREAMS = [
    ("chat.xmpp", stream(b"to='example.com' version='1.0'"), stream(b"id='1' from='example.com' version='1.0'")),
    ("chat.xmpp", stream(b"to='example.com' version='1.0'"), stream(b"to='example.com' version='1.0' id='1'")),
    ("databases.redis", b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", b"$5\r\nvalue\r\n"),
    ("databases.redis", b"*2\r\n$6\r\nLRANGE\r\n$3\r\nkey\r\n", b"*2\r\n$5\r\nvalue\r\n$1\r\n1\r\n"),
    ("databases.redis", b"*2\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n", b"*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n"),
    ("databases.redis", b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$9999\r\n" + b"x" * 400, b"+OK\r\n"),
    ("messaging.nats", b"PING\r\n", b"PING\r\nPONG\r\n"),
    ("remote.ssh", kexinit(b"sixteen bytes, a"), kexinit(b"other bytes, 16.")),
    ("voip.rtsp", b"OPTIONS rtsp://a/b RTSP/1.0\r\nCSeq: 1\r\n\r\n", b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"),
    ("peers.bittorrent", PEER + b"-TR2940-aaaaaaaaaaaa", PEER + b"-TR2940-bbbbbbbbbbbb"),
]


def _asked(name, client, server):
    """Return what the detector says to two sides: datagrams in lists, or streams."""
    detector = import_module(f"pywall_protocols.{name}")
    if isinstance(client, bytes):
        return detector.pywall_detect(make_flow(client=client, server=server), client, server)
    sizes = {"client_sizes": tuple(map(len, client)), "server_sizes": tuple(map(len, server))}
    client, server = b"".join(client), b"".join(server)
    return detector.pywall_detect(make_flow(proto=17, client=client, server=server, **sizes), client, server)


def _confirms(*asked):
    answer = _asked(*asked)
    return isinstance(answer, Match) and answer.confirmed


def _confirming(request, confirms):
    """Return the places at which one changed byte makes a request its own answer."""
    changes = (1, 0x20, 0x55, 0x80)
    copies = (
        (at, request[:at] + bytes([request[at] ^ by]) + request[at + 1 :])
        for at in range(len(request))
        for by in changes
    )
    return sorted({at for at, copy in copies if confirms(copy)})


@pytest.mark.parametrize(("name", "requests", "answers"), DATAGRAMS)
def test_an_answer_confirms_and_a_changed_copy_does_not(name, requests, answers):
    assert _confirms(name, requests, answers)
    places = _confirming(requests[0], lambda copy: _confirms(name, requests, [copy]))
    assert len(places) <= MARKS, places
    if name in FIRST_ALONE:
        return
    behind = _confirming(requests[0], lambda copy: _confirms(name, requests, [copy, *answers]))
    assert len(behind) > len(requests[0]) // 3, "an answer behind a copy counts"


@pytest.mark.parametrize(("name", "client", "server"), STREAMS)
def test_the_same_of_streams(name, client, server):
    assert _confirms(name, client, server)
    places = _confirming(client, lambda copy: _confirms(name, client, copy))
    assert len(places) <= MARKS, places
