"""A request that is sent back with a byte changed proves nothing, what answers it does: also where the answer says
nearly the same, has a number of another length, or belongs to a later question.
"""

from importlib import import_module

import pytest

from pywall_core.api import Match
from pywall_core.testing import make_flow, udp_packet

#: places of a request at which one changed byte may make it an answer: who says it, and what
MARKS = 3
#: they look at the first datagram of each side, or take few changed bytes for a request
FIRST_ALONE = (
    "chat.discord",
    "industrial.doip",
    "misc.signatures",
    "peers.utp",
    "tunnels.wireguard",
    "voip.sip",
)
#: the number of a session, which the answer alone has
DRAWN = {"industrial.enip": 4}


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


def kerberos(kind, data=b"the same data"):
    number = b"\2\1" + bytes([kind & 0x1F])
    first = 0xA1 if kind & 0x1F in (12, 10) else 0xA0
    body = _ber(first, b"\2\1\5") + _ber(first + 1, number) + _ber(first + 2, _ber(4, data))
    whole = _ber(kind, _ber(0x30, body))
    return len(whole).to_bytes(4) + whole


def mongo(number, answers, said):
    body = bytes(4) + b"\0" + (14 + len(said)).to_bytes(4, "little") + b"\x10" + said + b"\0\1\0\0\0\0\0\0\0"
    head = [16 + len(body), number, answers, 2013]
    return b"".join(each.to_bytes(4, "little") for each in head) + body


def smb2(command, flags, more=0x70):
    body = b"\xfeSMB\x40\0\1\0" + bytes(4) + bytes([command, 0, 1, 0, flags]) + bytes(47) + b"\x29\0" + bytes(0x70)
    return (64 + more).to_bytes(4) + body[: 64 + more]


def smb1(command, flags):
    body = b"\xffSMB" + bytes([command, 0, 0, 0, 0, flags, 0x53, 0xC8]) + bytes(18) + b"\7\0\0\0\0\0\0"
    return len(body).to_bytes(4) + body


def ams(flags):
    head = b"\5\1\2\3\1\1\x53\3\5\1\2\4\1\1\1\x80\2\0" + bytes([flags, 0]) + b"\x0c\0\0\0\0\0\0\0\x07\0\0\0"
    return b"\0\0\x2c\0\0\0" + head + bytes(range(12))


def s7(body):
    return b"\3\0" + (7 + len(body)).to_bytes(2) + b"\2\xf0\x80" + body


def edonkey(kind):
    hello = kind + b"sixteen bytes id" + b"\1\2\3\4\x36\x12" + b"\1\0\0\0" + b"\2\1\0\1\2\0me" + bytes(6)
    return b"\xe3" + len(hello).to_bytes(4, "little") + hello


def rpc(kind, number=b"\1\2\3\4"):
    call = b"\0\0\0\2\0\1\x86\xa3\0\0\0\3\0\0\0\0" + bytes(16)
    body = number + b"\0\0\0" + bytes([kind]) + (bytes(16) if kind else call)
    return (0x80000000 | len(body)).to_bytes(4) + body


def pptp(kind):
    return b"\0\x9c\0\1\x1a\x2b\x3c\x4d\0" + bytes([kind]) + b"\0\0\1\0\0\0" + bytes(140)


def pana(flags):
    return b"\0\0\0\x1c" + bytes([flags, 0]) + b"\0\2\0\0\0\7\0\0\0\x09" + b"\0\5\0\0\0\4\0\0data"


def photon(kind):
    peer = b"\xff\xff" if kind == 2 else b"\0\7"
    command = bytes([kind, 0xFF, 1, 4, 0, 0, 0, 44, 0, 0, 0, 1]) + bytes(32)
    return peer + b"\0\1" + b"\1\2\3\4\5\6\7\x08" + command


def enip(command, session, data=b""):
    head = bytes([command, 0]) + len(data).to_bytes(2, "little") + session.to_bytes(4, "little")
    return head + bytes(4) + b"context." + bytes(4) + data


def fins(control, to, by, data):
    return bytes([control, 0, 2, 0, to, 0, 0, by, 0, 0x19, 1, 1]) + data


def someip(kind, message):
    return (
        message + b"\0\0\0\x09\0\1\0\2\1\1" + bytes([kind, 0]) + b"x"
        if message != DISCOVERY
        else (message + b"\0\0\0\x11\0\0\0\2\1\1" + bytes([kind, 0]) + b"\xc0\0\0\0\0\0\0\x10")
    )


def utp(kind, connection, times, number, acknowledged):
    return (
        bytes([kind, 0]) + connection.to_bytes(2) + times + b"\0\1\0\0" + number.to_bytes(2) + acknowledged.to_bytes(2)
    )


def capwap(kind):
    return b"\0\x10\0\0\0\0\0\0" + b"\0\0\0" + bytes([kind]) + b"\1\0\x0c\0" + b"\0\x14\0\5\0\0\0\0\0"


def lisp(kind):
    record = b"\0\0\0\x0a\1\x20\x10\0\0\0\0\1\xc0\0\2\1" + b"\1\x64\xff\0\0\4\0\1\xc0\0\2\2"
    return bytes([kind << 4, 0, 1 if kind == 3 else 0, 1]) + b"nonce..." + b"\0\1\0\4" + b"auth" + record


def radius(code, number, authenticator, attributes=b""):
    return bytes([code, number]) + (20 + len(attributes)).to_bytes(2) + authenticator + attributes


def cyclic(connection, number, data):
    head = b"\2\0\2\x80\x08\0" + connection + number.to_bytes(4, "little") + b"\xb1\0"
    return head + len(data).to_bytes(2, "little") + data


def ayiya(operation, signature):
    return bytes([0x40, 0x51, 0x10 | operation, 59]) + b"time" + bytes(range(16)) + signature


def bacnet6(function, body):
    return bytes([0x82, function]) + (4 + len(body)).to_bytes(2) + body


def amqp(channel, kind, *body):
    arguments = b"".join(body)
    return b"\1" + channel.to_bytes(2) + (4 + len(arguments)).to_bytes(4) + kind + arguments + b"\xce"


def ldap(number, kind, body):
    return _ber(0x30, b"\2\1" + bytes([number]) + _ber(kind, body))


def bitcoin(command, size, total, body):
    return b"\xf9\xbe\xb4\xd9" + command.ljust(12, b"\0") + size.to_bytes(4, "little") + total + body


def n2n(kind, number=b"\1\2\3\4"):
    return b"\2\2\0" + bytes([kind]) + b"community".ljust(16, b"\0") + number + b"\5\6\7\x08\x09\x0a\x0b\x0c"


def doip(addresses):
    return b"\2\xfd\x80\1\0\0\0\6" + addresses + b"\x3e\0"


def giop(kind):
    return b"GIOP\1\0\0" + bytes([kind]) + b"\0\0\0\x10" + bytes(range(16))


def fix(sender, target):
    body = b"35=A\x0134=1\x0149=" + sender + b"\x0156=" + target + b"\x0198=0\x01108=30\x01"
    return b"8=FIX.4.4\x019=%d\x01" % len(body) + body + b"10=099\x01"


def kcp(command, time, number, received, data=b""):
    numbers = (time, number, received, len(data))
    return b"\7\0\0\0" + bytes([command, 0, 0x80, 0]) + b"".join(each.to_bytes(4, "little") for each in numbers) + data


def photon_ping(time, number, kind=5, acknowledged=b""):
    command = bytes([kind, 0xFF, 1, 4]) + (12 + len(acknowledged)).to_bytes(4) + number.to_bytes(4) + acknowledged
    return b"\0\7\0\1" + time.to_bytes(4) + b"\5\6\7\x08" + command


def options(call, status=""):
    return sip(status or "OPTIONS sip:a@example.com SIP/2.0", call)


def report(source, about):
    return b"\x81\xc9\0\7" + source.to_bytes(4) + about.to_bytes(4) + bytes(20)


ACK, PUBLISH, DELIVER = b"\0\x3c\0\x50", b"\0\x3c\0\x28", b"\0\x3c\0\x3c"
OLD_VERSION = b"\1\x7d\0\0" + b"\1" + bytes(7) + b"\x11\xb2\xd0\x50" + bytes(4)
DISCO = b"TS\xf0\x9f\x92\xac"
DISCOVERY = b"\xff\xff\x81\0"
UNCONNECTED = bytes(4) + b"\5\0\2\0" + bytes(4) + b"\xb2\0\6\0%s\3\x20\1\x24\1"
USER_DATA = b"\x32\7\0\0\0\7\0\x08\0\4\0\1\x12\4\x11%s\1\0\x0a\0\0\0"
RAKNET = bytes.fromhex("00ffff00fefefefefdfdfdfd12345678")
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
    ("management.ntp", [ntp(3, bytes(8), TIME)], [ntp(4, bytes(8), b"sent now")[:32] + b"received" + b"sent now"]),
    ("management.ntp", [ntp(3, bytes(8), bytes(8))], [ntp(4, bytes(8), LATER)]),
    (
        "management.ntp",
        [ntp(3, bytes(8), TIME)],
        [b"\x24\1" + ntp(4, bytes(8), LATER)[2:12] + b"GPS\0" + bytes(24) + LATER],
    ),
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
    ("chat.discord", [b"\0\1\0\x46" + bytes(70)], [b"\0\2\0\x46\0\0\0\x01" + b"192.0.2.1".ljust(64, b"\0") + b"\1\2"]),
    ("misc.signatures", [DISCO + bytes(range(90))], [DISCO + bytes(range(100, 190))]),
    ("games.photon", [photon(2)], [photon(3)]),
    (
        "games.photon",
        [photon_ping(1000, 3), photon_ping(1001, 0, 1, b"\0\0\0\x09\0\0\4\0")],
        [photon_ping(1024, 9), photon_ping(1025, 0, 1, b"\0\0\0\3\0\0\3\xe8")],
    ),
    ("tunnels.kcp", [kcp(81, 1000, 0, 0, b"ping")], [kcp(81, 1010, 0, 1, b"pong")]),
    ("tunnels.kcp", [kcp(81, 1000, 7, 7, b"ping")], [kcp(82, 1000, 7, 8)]),
    (
        "tunnels.kcp",
        [kcp(81, 1000, 0, 0, b"ping"), kcp(82, 1010, 0, 1)],
        [kcp(81, 1010, 0, 0, b"pong"), kcp(82, 1000, 0, 1)],
    ),
    ("voip.rtcp", [report(1, 7)] * 2, [report(2, 7), report(2, 7)[:12] + b"\1\2\3\4" * 5]),
    ("industrial.bacnet", [bytes.fromhex("810b000701800000"[:14])], [bytes.fromhex("810b00090180010001")]),
    ("industrial.doip", [b"\2\xfd\0\1\0\0\0\0"], [b"\2\xfd\0\4\0\0\0\x20" + bytes(range(32))]),
    ("industrial.enip", [enip(0x63, 0)], [enip(0x63, 0, bytes(range(40)))]),
    ("industrial.knx", [b"\6\x10\2\5\0\x0a\x08\1\1\2"], [b"\6\x10\2\6\0\x0a\x07\0\x08\1"]),
    ("industrial.omron", [fins(0x80, 1, 9, b"\x82\0\x64\0\0\1")], [fins(0xC0, 9, 1, b"\0\0\0\7")]),
    ("industrial.someip", [someip(0, b"\1\2\3\4")], [someip(0x80, b"\1\2\3\4")]),
    ("industrial.someip", [someip(1, b"\1\2\3\4")], [someip(2, b"\1\2\x80\4")]),
    ("industrial.someip", [someip(2, DISCOVERY) + b"\x06"], [someip(2, DISCOVERY) + b"\x07"]),
    ("peers.utp", [utp(0x41, 300, b"\1\2\3\4\0\0\0\0", 7, 0)], [utp(0x21, 300, b"\1\2\x09\7\0\7\5\1", 90, 7)]),
    ("telecom.capwap", [capwap(1)], [capwap(2)]),
    ("tunnels.lisp", [lisp(3)], [lisp(4)]),
    ("tunnels.n2n", [n2n(5)], [n2n(7)]),
    ("tunnels.n2n", [n2n(1), n2n(4, b"else")], [n2n(1, b"else"), n2n(4)]),
    ("access.pana", [pana(0x80)], [pana(0)]),
    ("access.radius", [radius(1, 7, b"drawn by clients", b"\1\7alice")], [radius(2, 7, b"sum by a server.")]),
    ("access.radius", [radius(4, 7, bytes(16), b"\x28\6\0\0\0\1")], [radius(5, 7, bytes(16))]),
    ("access.radius", [radius(12, 9, bytes(16))], [radius(2, 9, bytes(16))]),
    ("access.radius", [radius(43, 1, bytes(16), b"\1\7alice")], [radius(45, 1, bytes(16), b"\x65\6\0\0\1\xf7")]),
    ("industrial.enip", [cyclic(b"\1\0\x34\x12", 1, bytes(8))], [cyclic(b"\1\0\x34\x92", 1, bytes(8))]),
    ("tunnels.ayiya", [ayiya(1, bytes(range(20)))], [ayiya(1, bytes(range(100, 120)))]),
    (
        "industrial.bacnet",
        [bacnet6(1, bytes.fromhex("000001000002 0104 0005010c0c023fffff194b"))],
        [bacnet6(1, bytes.fromhex("000002000001 0100 30010c0c023fffff194b3ec43f00"))],
    ),
    (
        "industrial.bacnet",
        [bacnet6(2, bytes.fromhex("000001 0120ffff00ff 1008"))],
        [bacnet6(1, bytes.fromhex("000002000001 0100 1000c40200000022044091003103"))],
    ),
    ("industrial.bacnet", [bacnet6(3, b"\0\0\1\0\0\2")], [bacnet6(5, b"\0\0\2\0\0\1")]),
    ("industrial.bacnet", [bacnet6(9, b"\0\0\1\0\x3c")], [bacnet6(0, b"\0\0\2\0\0")]),
    (
        "industrial.bacnet",
        [bytes.fromhex("810a001101040005010c0c023fffff194b")],
        [bytes.fromhex("810a0014010030010c0c023fffff194b3ec43f00")],
    ),
    (
        "industrial.bacnet",
        [bytes.fromhex("810b000c0120ffff00ff1008")],
        [bytes.fromhex("810b00140100100 0c40200000022044091003103".replace(" ", ""))],
    ),
    ("games.raknet", [b"\5" + RAKNET + b"\x0a" + bytes(30)], [b"\6" + RAKNET + bytes(31)]),
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
    ("voip.sip", [options("1"), options("2", "SIP/2.0 200 OK")], [options("2"), options("1", "SIP/2.0 200 OK")]),
    ("voip.sip", [sip("INVITE sip:me@example.com SIP/2.0")[:70]], [sip("SIP/2.0 200 OK")[:60]]),
]
STREAMS = [
    ("industrial.iec60870", b"\x68\4\1\0\2\0", b"\x68\x0e\0\0\2\0\x64\1\7\0\1\0\0\0\0\x14"),
    ("industrial.modbus", b"\0\1\0\0\0\6\1\1\0\0\0\x14", b"\0\1\0\0\0\6\1\1\3\xff\xff\x0f"),
    (
        "databases.redis",
        b"*1\r\n$4\r\nEXEC\r\n",
        b"*1\r\n-ERR " + b"no such key in this table, says the server" * 3 + b"\r\n",
    ),
    ("chat.irc", b"NICK me\r\nUSER a b c :d\r\n", b":irc.example.org 001 me :Welcome\r\n"),
    ("chat.irc", b"CAP LS 302\r\nNICK me\r\nUSER a b c :d\r\n", b"CAP * LS :multi-prefix sasl\r\n"),
    ("chat.irc", b"NICK me\r\nUSER a b c :d\r\nPONG :1234\r\n", b"PING :1234\r\n"),
    ("chat.irc", b"PONG :irc.example.org\r\nPRIVMSG #a :b\r\n", b"PING :irc.example.org\r\n"),
    (
        "chat.irc",
        b"AUTHENTICATE PLAIN\r\nAUTHENTICATE bWUAbWUAc2VjcmV0\r\nCAP END\r\n",
        b"AUTHENTICATE +\r\n:irc.example.org 900 me\r\n",
    ),
    ("messaging.amqp", b"AMQP\0\0\x09\1", amqp(0, b"\0\x0a\0\x0a", b"\0\x09", bytes(12))),
    ("messaging.amqp", amqp(1, PUBLISH, b"\0\0\0\4road\0"), amqp(1, DELIVER, b"\3tag", bytes(8), b"\0\0\4road")),
    ("messaging.amqp", amqp(1, b"\0\x14\0\x0a", b"\0"), amqp(1, b"\0\x14\0\x0b", bytes(4))),
    (
        "messaging.amqp",
        amqp(2, ACK, b"\0\0\0\0\0\0\0\5\0") + amqp(1, PUBLISH, b"\0\0\0\4road\0"),
        amqp(1, ACK, b"\0\0\0\0\0\0\0\7\0") + amqp(2, DELIVER, b"\3tag", bytes(8), b"\0\0\4road"),
    ),
    ("access.ldap", ldap(1, 0x60, b"\2\1\3\4\0\x80\0"), ldap(1, 0x61, b"\x0a\1\0\4\0\4\0")),
    (
        "access.ldap",
        ldap(2, 0x63, b"\4\0\x0a\1\0\x0a\1\0\2\1\0\2\1\0\1\1\0\x87\x0bobjectClass0\0"),
        ldap(2, 0x64, b"\4\0\x30\0") + ldap(2, 0x65, b"\x0a\1\0\4\0\4\0"),
    ),
    (
        "access.ldap",
        ldap(3, 0x50, b"\2") + ldap(4, 0x60, b"\2\1\3\4\0\x80\0"),
        ldap(4, 0x61, b"\x0a\1\0\4\0\4\0"),
    ),
    (
        "misc.signatures",
        bitcoin(b"version", 5000, b"sum.", bytes(range(100))),
        bitcoin(b"version", 5100, b"more", bytes(range(99, -1, -1))),
    ),
    (
        "misc.signatures",
        bitcoin(b"version", 85, OLD_VERSION, bytes(range(65))),
        bitcoin(b"version", 85, OLD_VERSION, bytes(range(100, 165))),
    ),
    ("industrial.doip", doip(b"\x0e\x80\xe4\0"), doip(b"\x10\1\x0e\x80")),
    ("industrial.enip", enip(0x65, 0, b"\1\0\0\0"), enip(0x65, 0x11223344, b"\1\0\0\0")),
    ("industrial.enip", enip(0x6F, 7, UNCONNECTED % b"\x0e"), enip(0x6F, 7, UNCONNECTED % b"\x8e")),
    ("industrial.modbus", b"\0\1\0\0\0\6\1\3\0\0\0\2", b"\0\1\0\0\0\7\1\3\4\0\1\0\2"),
    ("industrial.modbus", b"\0\1\0\0\0\6\1\3\0\0\0\x7d", b"\0\1\0\0\0\xfd\1\3\xfa" + b"\0\5" * 125),
    ("industrial.modbus", b"\0\1\0\0\0\6\1\1\0\0\7\xd0", b"\0\1\0\0\0\xfd\1\1\xfa" + bytes(250)),
    ("industrial.modbus", b"\0\1\0\0\0\6\1\3\0\0\0\2", b"\0\1\0\0\0\3\1\x83\2"),
    ("industrial.modbus", b"\0\1\0\0\0\x09\1\x10\0\0\0\1\2\0\7", b"\0\1\0\0\0\6\1\x10\0\0\0\1"),
    ("misc.signatures", giop(0), giop(1)),
    ("misc.signatures", fix(b"BANK", b"DESK"), fix(b"DESK", b"BANK")),
    ("access.krb5", kerberos(0x6C), kerberos(0x6D)),
    (
        "access.krb5",
        kerberos(0x74),
        kerberos(0x74, b"other data, as its sequence has gone on, and what is said is something else"),
    ),
    ("databases.mongodb", mongo(5, 0, b"hello"), mongo(9, 5, b"hello")),
    ("files.smb", smb2(16, 0), smb2(16, 1)),
    ("files.smb", smb1(0x2E, 0x18), smb1(0x2E, 0x98)),
    ("files.smb", smb1(0x72, 0x18), smb2(0, 1)),
    ("files.smb", smb2(8, 0, 0x70), smb2(8, 1, 0x4000)),
    ("industrial.ams", ams(4), ams(5)),
    ("industrial.iec60870", b"\x68\4\x07\0\0\0", b"\x68\4\x0b\0\0\0"),
    (
        "industrial.iec60870",
        b"\x68\4\1\0\2\0\x68\4\1\0\4\0",
        b"\x68\x0e\0\0\0\0\x7f\1\3\0\1\0\1\0\0\0\x68\x0e\2\0\0\0\x7f\1\3\0\1\0\1\0\0\0",
    ),
    ("industrial.iec60870", b"\x68\4\x43\0\0\0\x68\4\1\0\2\0", b"\x68\4\x43\0\0\0\x68\4\x83\0\0\0"),
    (
        "industrial.s7comm",
        s7(b"\x32\1\0\0\0\7\0\x08\0\0\xf0\0\0\1\0\1\1\xe0"),
        s7(b"\x32\3\0\0\0\7\0\x08\0\0\0\0\xf0\0\0\1\0\1\0\xf0"),
    ),
    ("industrial.s7comm", s7(USER_DATA % b"\x44"), s7(USER_DATA % b"\x84")),
    (
        "messaging.stratum",
        b'{"id":1,"method":"mining.subscribe","params":[]}\n',
        b'{"id":1,"result":[[],"08",4],"error":null}\n',
    ),
    ("peers.edonkey", edonkey(b"\1\x10"), edonkey(b"\x4c")),
    ("remote.rpc", rpc(0), rpc(1)),
    ("remote.rpc", rpc(0, b"call") + rpc(1, b"back"), rpc(0, b"back") + rpc(1, b"call")),
    ("tunnels.pptp", pptp(1), pptp(2)),
    ("chat.xmpp", stream(b"to='example.com' version='1.0'"), stream(b"id='1' from='example.com' version='1.0'")),
    ("chat.xmpp", stream(b"to='example.com' version='1.0'"), stream(b"to='example.com' version='1.0' id='1'")),
    ("databases.redis", b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", b"$5\r\nvalue\r\n"),
    ("databases.redis", b"*2\r\n$6\r\nLRANGE\r\n$3\r\nkey\r\n", b"*2\r\n$5\r\nvalue\r\n$1\r\n1\r\n"),
    ("databases.redis", b"*2\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n", b"*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n"),
    (
        "databases.redis",
        b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n$1\r\nb\r\n",
        b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n",
    ),
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
    assert len(places) <= DRAWN.get(name, MARKS), places
    if name in FIRST_ALONE:
        return
    behind = _confirming(requests[0], lambda copy: _confirms(name, requests, [copy, *answers]))
    assert len(behind) > len(requests[0]) // 3, "an answer behind a copy counts"


@pytest.mark.parametrize(("name", "requests"), [(name, asked) for name, asked, _ in DATAGRAMS if len(asked) > 1])
def test_nor_do_several_that_are_sent_back(name, requests):
    assert not _confirms(name, requests, requests)
    rest = [each[:-1] + bytes([each[-1] ^ 1]) for each in requests[1:]]
    places = _confirming(requests[0], lambda copy: _confirms(name, requests, [copy, *rest]))
    assert len(places) <= DRAWN.get(name, MARKS), places


def test_an_answer_that_has_not_come_may_come():
    alone = _asked("misc.signatures", [DISCO + bytes(range(90))], [])
    assert not alone.confirmed
    assert not alone.done


@pytest.mark.parametrize(("name", "client", "server"), STREAMS)
def test_the_same_of_streams(name, client, server):
    assert _confirms(name, client, server)
    places = _confirming(client, lambda copy: _confirms(name, client, copy))
    assert len(places) <= DRAWN.get(name, MARKS), places
