"""Kerberos over TCP and UDP."""

from pywall_protocols.access import krb5

from pywall_core.api import NO, Match
from pywall_core.testing import conversation, detector_contract


def ber(tag, *contents):
    body = b"".join(contents)
    return bytes([tag]) + (bytes([len(body)]) if len(body) < 128 else b"\x81" + bytes([len(body)])) + body


def message(kind, first=0xA1, version=5, number=None, filler=100):
    number = kind & 0x1F if number is None else number
    fields = ber(first, ber(2, bytes([version]))), ber(first + 1, ber(2, bytes([number]))), ber(0xA4, bytes(filler))
    return ber(kind, ber(0x30, *fields))


def record(data):
    return len(data).to_bytes(4, "big") + data


AS_REQ, AS_REP, ERROR = message(0x6A), message(0x6B, 0xA0), message(0x7E, 0xA0)

TestContractTcp = detector_contract(
    krb5,
    positives=[(record(AS_REQ), record(AS_REP)), (record(AS_REQ), b"")],
    negatives=[
        (record(message(0x6A, version=4)), b""),
        (record(message(0x6A, number=12)), b""),
        ((len(AS_REQ) + 9).to_bytes(4, "big") + AS_REQ, b""),
        (b"\0\0\0\x08\x04\xd2\x16\x2f" + bytes(20), b""),
        (b"\0" + b"j" * 40, b""),
    ],
)
TestContractUdp = detector_contract(
    krb5,
    positives=[conversation("udp").client(AS_REQ).server(ERROR).client(AS_REQ).server(AS_REP)],
    negatives=[
        conversation("udp").client(b"just some text").server(b"kind of an answer"),
        conversation("udp").client(record(AS_REQ)),
    ],
    transport="udp",
)


def test_facts(ask):
    assert ask(krb5, record(AS_REQ), record(AS_REP)) == Match("krb5", {"msg_type": "KRB_AS_REQ"})
    assert ask(krb5, [AS_REQ], [ERROR]) == Match("krb5", {"msg_type": "KRB_AS_REQ"})


def test_noise_of_its_first_byte_is_refused(ask):
    assert ask(krb5, [b"j" * 40], [b"k" * 40]) is NO


def test_a_wrong_first_byte_is_refused_whatever_follows(ask):
    assert ask(krb5, b"\x12\0\0\0e") is NO
    assert ask(krb5, b"\x12\0\0\0j" + bytes(20)) is NO
