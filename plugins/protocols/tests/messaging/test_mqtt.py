"""MQTT 3.1, 3.1.1 and 5."""

import pytest
from pywall_protocols.messaging import mqtt

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import detector_contract


def string(data):
    return len(data).to_bytes(2, "big") + data


def connect(name, level, flags, *fields):
    body = string(name) + bytes([level, flags]) + b"\0\x3c" + b"".join(fields)
    return b"\x10" + bytes([len(body)]) + body


V31 = connect(b"MQIsdp", 3, 0xC2, string(b"client"), string(b"bob"), string(b"secret"))
V311 = connect(b"MQTT", 4, 0xC6, string(b"client"), string(b"will"), string(b"gone"), string(b"bob"), string(b"secret"))
V5 = connect(b"MQTT", 5, 0x82, b"\3\x21\0\x14", string(b""), string(b"bob"))

TestContract = detector_contract(
    mqtt,
    positives=[
        (V31, b"\x20\2\0\0"),
        (V311, b"\x20\2\0\5"),
        (V5, b"\x20\6\0\0\3\x22\0\x0a"),
        (V311, b""),
        (b"\xc0\0", b"\xd0\0"),
    ],
    negatives=[
        (b"\x10\x2d\0\4HTTP\4\2", b""),
        (b"\x10" + b"\xff" * 30, b""),
        (b"\xc0\0", b""),
        (b"\xc0\1", b"\xd0\0"),
        (connect(b"MQTT", 4, 0x03, string(b"a")), b""),
        (connect(b"MQTT", 9, 2, string(b"a")), b"\x20\2\0\0"),
    ],
)


@pytest.mark.parametrize(
    ("data", "facts"),
    [
        (V31, {"connect.protocol_version": 3, "connect.client_id": "client", "connect.username": "bob"}),
        (V311, {"connect.protocol_version": 4, "connect.client_id": "client", "connect.username": "bob"}),
        (V5, {"connect.protocol_version": 5, "connect.username": "bob"}),
    ],
)
def test_facts(ask, data, facts):
    assert ask(mqtt, data, b"\x20\2\0\0") == Match("mqtt", facts)


@pytest.mark.parametrize("size", [1, 3, 7, 8])
def test_beginnings_wait(ask, size):
    assert ask(mqtt, V311[:size]) is MORE


def test_fields_do_not_go_beyond_the_packet(ask):
    cut = b"\x10\x10" + V31[2:18]
    assert ask(mqtt, cut, b"\x20\2\0\0") == ask(mqtt, cut + b"and more than that", b"\x20\2\0\0")


def test_a_ping_and_its_answer_prove_nothing_alone(ask):
    ping, pong = b"\xc0\0", b"\xd0\0"
    assert not ask(mqtt, ping, pong).confirmed
    assert ask(mqtt, ping * 2, pong * 2).confirmed
    assert ask(mqtt, ping + b"\x30\x06\0\1ahoy", pong + b"\x62\2\0\1").confirmed
    assert not ask(mqtt, ping + b"\0\0text", pong + b"\xca\x18\x58\x27").confirmed


def publish(topic, text, number=None):
    body = string(topic) + (b"" if number is None else number.to_bytes(2, "big")) + text
    return bytes([0x30 if number is None else 0x32, len(body)]) + body


@pytest.mark.parametrize("turned", [False, True])
def test_from_the_middle_an_acknowledgement_proves_what_was_published(ask, turned):
    said = publish(b"a/b", b"on") + publish(b"a/b", b"off", 7)

    def answer(told):
        return ask(mqtt, *((told, said) if turned else (said, told)), midstream=True)

    assert answer(b"\x40\2\0\7").confirmed
    assert not answer(b"\x40\2\0\6").confirmed
    assert answer(b"") is MORE if turned else not answer(b"").confirmed
    assert answer(b"HTTP") is NO
    assert ask(mqtt, said) is NO, "a connection that begins so is another protocol's"


@pytest.mark.parametrize(
    "other",
    [b"0123456789", bytes.fromhex("300c02010161070a010004000400"), b"\x36\5\0\1a\0\1", b"\x30\4\0\2#a", b"\x40\2\0\0"],
)
def test_what_begins_with_a_byte_of_it_is_none(ask, other):
    assert ask(mqtt, other, b"", midstream=True) is NO


def test_acknowledgements_alone_wait(ask):
    assert ask(mqtt, b"\x40\2\0\1", b"\xd0\0", midstream=True) is MORE
