"""What servers pass over, or read more freely than their protocol is written, at a flow's beginning hides nothing.

Each opening is one that a server acts on: dnsmasq, named, unbound, slapd, Redis and aiosmtpd were asked.
"""

from random import Random

import pytest
from pywall_protocols.discovery import dns

from pywall_core.testing import client_hello, conversation, engine

pytest.importorskip("pywall_stream")
pytest.importorskip("pywall_rules")

POLICY = """
version: 1
plugins: [rules, stream, protocols]
chains: {INPUT: [{rule: fact, name: %s, is: %s, action: DROP}]}
default: ACCEPT
"""
KIND = b"\0\1\0\1"
NAME = b"\6secret\7example\0"
EXAMPLE = b"\7example\0"


def query(body, flags=0x0100, counts=(1, 0, 0, 0), number=0x1234):
    numbers = (number, flags, *counts)
    return b"".join(value.to_bytes(2, "big") for value in numbers) + body


def framed(message):
    return len(message).to_bytes(2, "big") + message


ASKED = query(NAME + KIND)
OPT = b"\0\0\x29\x10\0\0\0\0\0\0\x0d\xfd\xe9\0\x09" + EXAMPLE

DNS = {
    "a pointer forward": query(b"\xc0\x12" + KIND + NAME),
    "the rest of a name behind": query(b"\6secret\xc0\x19" + KIND + EXAMPLE),
    "the rest of a name in an option": query(b"\6secret\xc0\x28" + KIND + OPT, counts=(1, 0, 0, 1)),
    "a code in a query": query(NAME + KIND, 0x010F),
    "the reserved bit": query(NAME + KIND, 0x0140),
    "records that are not there": query(NAME + KIND, counts=(1, 0, 0, 17)),
    "many records that are not there": query(NAME + KIND, counts=(1, 0, 0x0100, 0)),
    "bytes behind": query(NAME + KIND + b"junk" * 8),
    "mixed case": query(b"\6SeCrEt\7ExAmPlE\0" + KIND),
    "many pointers": query(
        b"\xc0\x12" + KIND + b"".join(b"\xc0" + bytes((20 + at,)) for at in range(0, 200, 2)) + NAME
    ),
}
#: what a client may send first; servers answer with an error or not at all
JUNK = {
    "text": b"hello, world",
    "one byte": b"x",
    "a query that asks nothing": query(NAME + KIND, counts=(0, 0, 0, 0)),
    "a query cut off": ASKED[:20],
    "an NTP request": b"\x23" + bytes(47),
    "a STUN request": bytes.fromhex("000100002112a442") + bytes(range(12)),
    "noise": Random(1).randbytes(100),
}


def last(policy, talk):
    lab = engine(policy, live=True)
    return lab.send(talk.packets())[-1].action


@pytest.mark.parametrize("what", DNS)
@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_query_that_some_server_answers_is_one(transport, what):
    message = DNS[what]
    talk = conversation(transport).client(framed(message) if transport == "tcp" else message)
    assert last(POLICY % ("dns.rrname", "secret.example"), talk) == "drop"


@pytest.mark.parametrize("what", JUNK)
@pytest.mark.parametrize("times", [1, 3, 40])
def test_datagrams_before_a_query_do_not_hide_it(what, times):
    talk = conversation("udp")
    for _ in range(times):
        talk = talk.client(JUNK[what])
    assert last(POLICY % ("dns.rrname", "secret.example"), talk.client(ASKED)) == "drop"


def test_datagrams_before_it_cost_nothing_where_no_rule_asks():
    talk = conversation("udp").client(JUNK["text"]).client(ASKED)
    lab = engine(POLICY % ("http.path", "/secret"), live=True)
    assert [verdict.action for verdict in lab.send(talk.packets())] == ["accept", "accept"]
    assert lab.flows[0].app_proto == "unknown"


@pytest.mark.parametrize("first", [b"\0\1x", b"\0\x0c" + bytes(12), framed(query(NAME + KIND, counts=(0, 0, 0, 0)))])
def test_short_messages_over_tcp_do_not_hide_a_query(first):
    for talk in (
        conversation().client(first + framed(ASKED)),
        conversation().client(first).client(framed(ASKED)),
        conversation().client(framed(ASKED.replace(b"secret", b"public"))).client(first).client(framed(ASKED)),
    ):
        assert last(POLICY % ("dns.rrname", "secret.example"), talk) == "drop"


def test_dns_over_tcp_has_its_name_from_the_query_alone():
    """Kafka, whose requests begin with a length of 4 bytes, held up those without a wish for recursion."""
    random = Random(2)
    lab = engine(POLICY % ("dns.rrname", "secret.example"), live=True)
    for number in range(300):
        label = bytes(random.choices(b"abcdefghij0123456789-", k=random.randint(1, 63)))
        name = bytes((len(label),)) + label + NAME
        flags, additional = random.choice((0, 0x10, 0x20, 0x100, 0x120)), random.randint(0, 1)
        message = query(name + KIND, flags, (1, 0, 0, additional), random.getrandbits(16))
        message += bytes.fromhex("0000291000000000000000")[:11] if additional else b""
        lab.send(conversation(client=("192.0.2.1", 20000 + number)).client(framed(message)).packets())
        assert lab.flows[-1].app_proto == "dns", message


def ber(tag, content, width=0):
    size = len(content).to_bytes(width or 1, "big")
    return bytes((tag, 0x80 | width) if width else (tag,)) + size + content


def ldap(operation, number=b"\2\1\5", width=0):
    return ber(0x30, number + operation, width)


BASE = ber(4, b"dc=secret")
SCOPE = b"\x0a\1\0\x0a\1\0\2\1\0\2\1\0\1\1\0\x87\x0bobjectClass0\0"
SEARCH = ldap(ber(0x63, BASE + SCOPE))
LDAP = {
    "lengths of 5 bytes": ldap(ber(0x63, ber(4, b"dc=secret", 5) + SCOPE, 5), width=5),
    "lengths of 8 bytes": ldap(ber(0x63, ber(4, b"dc=secret", 8) + SCOPE), width=8),
    "a long identifier": ldap(ber(0x63, BASE + SCOPE), ber(2, b"\0\0\0\5", 8)),
    "an escaped letter": ldap(ber(0x63, ber(4, b"dc=sec\\72et") + SCOPE)),
    "behind an operation nobody knows": ldap(ber(0x7E, b"x")) + SEARCH,
    "behind a server's result": ldap(ber(0x61, b"\x0a\1\0\4\0\4\0")) + SEARCH,
    "behind results with long lengths": ldap(ber(0x61, b"\x0a\1\0\4\x81\0\4\0")) + SEARCH,
    "behind one given up": ldap(ber(0x50, b"\1")) + SEARCH,
    "behind a long name": ldap(ber(0x63, ber(4, b"dc=ok" + b"x" * 3000, 2) + SCOPE, 2), width=2) + SEARCH,
    "behind a bind with long lengths": ldap(ber(0x60, ber(2, b"\3", 2) + ber(4, b"", 3) + ber(0x80, b""))) + SEARCH,
}


@pytest.mark.parametrize("what", LDAP)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_an_operation_that_slapd_takes_is_one(what, size):
    flight = LDAP[what]
    talk = conversation().client(flight).split(size)
    actions = engine(POLICY % ("ldap.request.search_request.base_object", "dc=secret"), live=True).send(talk.packets())
    assert actions[-1].action == "drop"


def test_a_deletion_is_seen_as_the_first_operation():
    talk = conversation().client(ldap(ber(0x4A, b"dc=secret")))
    assert last(POLICY % ("ldap.request.del_request.dn", "dc=secret"), talk) == "drop"


SET = b"*3\r\n$3\r\nSET\r\n$6\r\nsecret\r\n$1\r\n1\r\n"
REDIS = {
    "a quote within a word": b'PING\r\nHSET s"ecret" a 1\r\n',
    "escapes behind letters": b'PING\r\nHSET s"\\x65cret" a 1\r\n',
    "apostrophes": b"HSET s'ecret' a 1\r\n",
    "a quoted command": b'"SET" secret 1\r\n',
    "a quote within the command": b'S"ET" secret 1\r\n',
    "behind an empty array": b"*0\r\n" + SET,
    "behind less than an array": b"*-5\r\n" + SET,
    "behind an array and inline": b"*-1\r\nset secret 1\r\n",
    "behind a command without a name": b"*1\r\n$0\r\n\r\n" + SET,
    "other bytes for line feeds": b"*3\rX$3\rXSET\rX$6\rXsecret\rX$1\rX1\rX\r\n",
    "behind MULTI": b"MULTI\r\nMSET a 1 secret 2\r\n",
}


@pytest.mark.parametrize("what", REDIS)
@pytest.mark.parametrize("size", [1, 10_000])
def test_a_command_that_redis_takes_is_one(what, size):
    talk = conversation().client(REDIS[what]).split(size)
    verdicts = engine(POLICY % ("redis.arguments", "secret"), live=True).send(talk.packets())
    assert verdicts[-1].action == "drop"


def test_redis_without_a_line_feed_is_not_waited_for():
    talk = conversation().client(b"*1\r\n$4\r\nPING\r\n").server(b"+PONG\r\n")
    talk = talk.client(b"*1\rX$8\rXFLUSHALL\rX")
    assert last(POLICY % ("redis.command", "FLUSHALL"), talk) == "drop"


PATHS = (
    b"<secret@b.c>",
    b"<SECRET@B.C>",
    b"<secret@b.c.>",
    b'<"secret"@b.c>',
    b"<sec\\ret@b.c>",
    b"<secret(x)@b.c>",
    b"< secret@b.c >",
    b"<@a,@d:secret@b.c>",
    b"<secret@b.c",
    b"x<secret@b.c>",
    b"<ok@b.c> <secret@b.c>",
    b'"secret"""@b.c',
)


@pytest.mark.parametrize("path", PATHS)
def test_a_recipient_is_seen_however_it_is_written(path):
    talk = conversation().server(b"220 a ESMTP\r\n").client(b"EHLO a\r\n").server(b"250 a\r\n")
    talk = talk.client(b"MAIL FROM:<x@b.c>\r\nRCPT TO:" + path + b"\r\n")
    assert last(POLICY % ("smtp.rcpt_to", "secret@b.c"), talk) == "drop"


@pytest.mark.parametrize(
    "path", [b"<ok@b.c>", b"ok@b.c", b"<ok@b.c> NOTIFY=NEVER ORCPT=rfc822;ok@b.c", b"<o.k+x'y@b-c.d>"]
)
def test_an_ordinary_recipient_passes(path):
    talk = conversation().server(b"220 a ESMTP\r\n").client(b"EHLO a\r\n").server(b"250 a\r\n")
    talk = talk.client(b"MAIL FROM:<> SIZE=1000 BODY=8BITMIME\r\nRCPT TO:" + path + b"\r\n")
    assert last(POLICY % ("smtp.rcpt_to", "secret@b.c"), talk) == "accept"


def mqtt(kind, body):
    return bytes((kind, len(body))) + body


def test_a_will_and_a_shared_subscription_are_seen():
    """The server publishes the will of a client that is gone; those who share a subscription get its messages."""
    head = b"\0\4MQTT\4"
    willed = mqtt(0x10, head + b"\x06\0\x3c\0\1a\0\6secret\0\1x")
    assert last(POLICY % ("mqtt.connect.will_topic", "secret"), conversation().client(willed)) == "drop"
    shared = mqtt(0x10, head + b"\2\0\x3c\0\1a") + mqtt(0x82, b"\0\1\0\x0f$share/g/secret\0")
    assert last(POLICY % ("mqtt.subscribe.topics", "secret"), conversation().client(shared)) == "drop"


INVITE = b"INVITE sip:secret SIP/2.0\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_has_its_name_at_once(transport):
    """IRC has a command of this name too."""
    assert last(POLICY % ("sip.uri", "sip:secret"), conversation(transport).client(INVITE)) == "drop"


@pytest.mark.parametrize("what", JUNK)
@pytest.mark.parametrize("times", [1, 3, 40])
def test_datagrams_before_a_call_do_not_hide_it(what, times):
    talk = conversation("udp")
    for _ in range(times):
        talk = talk.client(JUNK[what])
    assert last(POLICY % ("sip.uri", "sip:secret"), talk.client(b"\r\n" + INVITE)) == "drop"


REQUEST = bytes((1, 7, 0, 28)) + bytes(range(16)) + b"\1\x08secret"


@pytest.mark.parametrize(
    "datagrams",
    [[REQUEST + bytes(300)], [b"junk" * 8, REQUEST], [REQUEST[:4] + b"\0\0en\0\0" + REQUEST[10:]]],
    ids=["padded", "behind another", "as SLP"],
)
def test_a_request_of_radius_is_seen(datagrams):
    talk = conversation("udp")
    for datagram in datagrams:
        talk = talk.client(datagram)
    assert last(POLICY % ("radius.user_name", "secret"), talk) == "drop"


def test_a_question_of_mdns_and_netbios_begins_nothing_again():
    assert not dns.begins_again(b"")
    assert not dns.begins_again(ASKED[:20])
    assert not dns.begins_again(query(b"\x20" + b"CK" * 16 + b"\0\0\x21\0\1"))
    assert dns.begins_again(ASKED)


SNMP = bytes.fromhex("302902010104067075626c6963a01c02047e1c5d2a020100020100300e300c06082b060102010101000500")
DTLS = b"\x16\xfe\xfd" + bytes(8)


def dtls_hello():
    body = client_hello("bad.example")[9:]
    body = body[: 35 + body[34]] + b"\0" + body[35 + body[34] :]
    message = b"\1" + len(body).to_bytes(3, "big") + bytes(5) + len(body).to_bytes(3, "big") + body
    return DTLS + len(message).to_bytes(2, "big") + message


@pytest.mark.parametrize("before", [b"x", b"\0\4\0\1", b"\x16\xfe\xfd\0", b"0\0", bytes(range(200))])
@pytest.mark.parametrize(
    ("fact", "value", "asked"),
    [
        ("dtls.sni", "bad.example", dtls_hello()),
        ("snmp.community", "public", SNMP),
        ("tftp.file", "secret", b"\0\1secret\0octet\0"),
    ],
)
def test_datagrams_before_hide_no_request(fact, value, asked, before):
    lab = engine(
        f"""
version: 1
plugins: [rules, stream, protocols]
chains: {{INPUT: [{{rule: fact, name: {fact}, is: {value}, action: DROP}}]}}
default: ACCEPT
""",
        live=True,
    )
    talk = conversation("udp").client(before).client(before + b"x").client(asked)
    assert [verdict.action.value for verdict in lab.send(talk)] == ["accept", "accept", "drop"]
