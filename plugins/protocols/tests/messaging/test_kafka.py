"""Kafka: a request and the response to it."""

from struct import pack

from pywall_protocols.messaging import kafka

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract


def request(key=18, version=3, number=7, client=b"producer-1"):
    body = pack("!HHIH", key, version, number, len(client)) + client + bytes(4)
    return pack("!I", len(body)) + body


def response(number=7):
    return pack("!II", 12, number) + bytes(8)


TestContract = detector_contract(
    kafka,
    positives=[(request(), response()), (request(key=0, client=b""), response())],
    negatives=[
        (request(client=b""), response(8)),
        (request(key=900), response()),
        (request(client=b"\xff\xfe\0\1"), response()),
        (b"\0\0\0\x08\4\xd2\x16\x2f", b"S"),
        # a DNS query over TCP, which does not wish recursion
        (bytes.fromhex("0022 7e98 0000 0001 0000 0000 0000") + b"\6secret\7example\0\0\1\0\1", b""),
        # ZooKeeper's ConnectRequest and its response: all that Kafka would repeat is zero
        (pack("!I", 44) + bytes(14) + b"\x27\x10" + bytes(28), pack("!II", 36, 0) + bytes(32)),
    ],
)


def test_facts(ask):
    assert ask(kafka, request(), response()) == Match("kafka", {"api_key": 18, "client_id": "producer-1"})


def test_a_request_alone_has_a_name_where_its_client_says_its_own(ask):
    assert ask(kafka, request()).confirmed is False
    assert ask(kafka, request(), response(9)).confirmed is False
    assert ask(kafka, request(client=b"")) is MORE
    assert ask(kafka, request(client=b""), response(9)) is NO
