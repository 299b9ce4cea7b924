"""Redis, MQTT, SIP and RADIUS transactions."""

import pytest
from pywall_protocols.access import radius
from pywall_protocols.databases import redis
from pywall_protocols.messaging import mqtt
from pywall_protocols.voip import sip

from pywall_core.testing import conversation, engine, find_transactions, transaction_contract


def bulk(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)


def string(text):
    return len(text).to_bytes(2, "big") + text


def packet(kind, body):
    return bytes([kind, len(body)]) + body


def register(number, method=b"REGISTER", uri=b"sip:a.example"):
    return b"%s %s SIP/2.0\r\nCall-ID: c%d\r\nCSeq: %d %s\r\nContent-Length: 3\r\n\r\nabc" % (
        method,
        uri,
        number,
        number,
        method,
    )


def answer(number, status=b"200 OK"):
    return b"SIP/2.0 %s\r\nCSeq: %d REGISTER\r\nCall-ID: c%d\r\nl: 0\r\n\r\n" % (status, number, number)


def request(number, code=1):
    attributes = b"\x01\x06user" if code in (1, 4) else b""
    return bytes([code, number]) + (20 + len(attributes)).to_bytes(2, "big") + bytes(16) + attributes


REDIS = (
    bulk(b"SET", b"k", b"GET\r\n*1\r\n") + b"PING x\r\n" + bulk(b"auth", b"secret") + bulk(b"FLUSHALL"),
    b"+OK\r\n" * 4,
)
CONNECT = packet(0x10, string(b"MQTT") + b"\x04\xc2\0\x3c" + string(b"me") + string(b"user") + string(b"pw"))
MQTT = (
    CONNECT
    + packet(0x30, string(b"a/b") + b"21")
    + packet(0x82, b"\0\1" + string(b"c/#") + b"\0" + string(b"d") + b"\1")
    + packet(0xA2, b"\0\2" + string(b"d"))
    + b"\xc0\0",
    b"\x20\2\0\0",
)

TestRedis = transaction_contract(redis, [REDIS])
TestMqtt = transaction_contract(mqtt, [MQTT])
TestSip = transaction_contract(sip, [(register(1) + register(2), answer(1, b"100 Trying") + answer(2) + answer(1))])
TestSipOverUdp = transaction_contract(
    sip,
    [conversation("udp").client(register(1)).server(answer(1)).client(b"\r\n\r\n").client(register(2))],
    transport="udp",
)
TestRadius = transaction_contract(
    radius,
    [conversation("udp").client(request(1)).client(request(2, 4)).server(request(2, 5)).server(request(1, 3))],
    transport="udp",
)


def test_redis_commands():
    found = find_transactions(redis, REDIS).complete
    assert [(facts["command"], facts.get("arguments")) for facts in found.values()] == [
        ("SET", ["k", "GET..*1.."]),
        ("PING", ["x"]),
        ("AUTH", None),
        ("FLUSHALL", None),
    ]


def test_mqtt_packets():
    found = find_transactions(mqtt, MQTT).complete
    assert found[0] == {
        "type": "connect",
        "connect.protocol_version": 4,
        "connect.client_id": "me",
        "connect.username": "user",
    }
    assert found[1] == {"type": "publish", "publish.topic": "a/b"}
    assert found[2] == {"type": "subscribe", "subscribe.topics": ["c/#", "d"]}
    assert found[3] == {"type": "unsubscribe", "unsubscribe.topics": ["d"]}


def test_answers_belong_to_requests():
    found = find_transactions(sip, (register(1) + register(2), answer(2, b"404 Not Found") + answer(1))).complete
    assert [(found[n]["uri"], found[n]["code"]) for n in (0, 1)] == [("sip:a.example", "200"), ("sip:a.example", "404")]
    found = find_transactions(radius, [(True, request(7)), (False, request(7, 3))], "udp").complete
    assert found == {0: {"code": "access-request", "user_name": "user", "reply_code": "access-reject"}}


@pytest.mark.parametrize(
    ("rule", "first", "reply", "second"),
    [
        ("redis.command, is: FLUSHALL", bulk(b"GET", b"k"), b"$1\r\nv\r\n", bulk(b"FLUSHALL")),
        ("mqtt.publish.topic, is: a/b", CONNECT, b"\x20\2\0\0", MQTT[0][len(CONNECT) :]),
        ("sip.uri, is: sip:bad.example", register(1), answer(1), register(2, uri=b"sip:bad.example")),
    ],
)
def test_the_second_command_is_judged(rule, first, reply, second):
    lab = engine(f"""
version: 1
plugins: [rules, stream, protocols]
chains: {{INPUT: [{{rule: fact, name: {rule}, action: DROP}}]}}
default: ACCEPT
""")
    verdicts = lab.send(conversation().client(first).server(reply).client(second))
    assert [verdict.action.value for verdict in verdicts][-3:] == ["accept", "accept", "drop"]
