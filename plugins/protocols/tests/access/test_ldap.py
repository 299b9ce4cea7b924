"""LDAP: operations by their own structure, StartTLS, CLDAP."""

import pytest
from pywall_protocols.access import ldap

from pywall_core.api import MORE, NO, Match
from pywall_core.testing import conversation, detector_contract


def ber(tag, *contents, wide=False):
    body = b"".join(contents)
    return bytes([tag]) + (b"\x84" + len(body).to_bytes(4, "big") if wide else bytes([len(body)])) + body


def message(operation, number=1, wide=False):
    return ber(0x30, ber(2, bytes([number])), operation, wide=wide)


BIND = message(ber(0x60, ber(2, b"\3"), ber(4, b"cn=bob"), ber(0x80, b"secret")))
BOUND = message(ber(0x61, ber(0x0A, b"\0"), ber(4), ber(4)))
SEARCH = message(ber(0x63, ber(4, b"dc=example"), ber(0x0A, b"\2"), ber(0x0A, b"\0"), ber(2, b"\0")), wide=True)
ENTRY = message(ber(0x64, ber(4, b"dc=example"), ber(0x30)))
START_TLS = message(ber(0x77, ber(0x80, b"1.3.6.1.4.1.1466.20037")))
AGREED = message(ber(0x78, ber(0x0A, b"\0"), ber(4), ber(4)))
REFUSED = message(ber(0x78, ber(0x0A, b"\2"), ber(4), ber(4)))
SNMP = ber(0x30, ber(2, b"\0"), ber(4, b"public"), ber(0xA0, ber(2, b"\1"), ber(2, b"\0"), ber(2, b"\0"), ber(0x30)))

TestContractTcp = detector_contract(
    ldap,
    positives=[
        (BIND, BOUND),
        (SEARCH, ENTRY),
        (BIND, b""),
        (message(b"\x42\0"), b""),
        (START_TLS + b"\x16\x03\x01", AGREED + b"\x16\x03\x03"),
    ],
    negatives=[
        (SNMP, b""),
        (b"0\x06\x02\x01\x06P\x01\x05" + b"trailing", b""),
        (b"00000000000000000000000000", b"00000000"),
        (message(ber(0x60, ber(2, b"\x09"), ber(4, b"cn=bob"), ber(0x80))), b""),
        (b"0\x10not really BER!!", b""),
        # operations that end before their first field
        *((message(ber(kind)), b"") for kind in (0x60, 0x61, 0x63, 0x66, 0x68, 0x6C, 0x6E, 0x73, 0x77)),
        (message(ber(0x60, b"\2\1")), b""),
        (message(ber(0x61, b"\x0a\1")), b""),
    ],
)
TestContractUdp = detector_contract(
    ldap,
    positives=[conversation("udp").client(SEARCH).server(ENTRY)],
    negatives=[conversation("udp").client(SNMP).server(SNMP)],
    transport="udp",
)


def test_facts(ask):
    assert ask(ldap, BIND, BOUND) == Match(
        "ldap", {"request.operation": "bind_request", "request.bind_request.name": "cn=bob"}
    )


def test_start_tls_hands_over(ask):
    client, server = START_TLS + b"\x16\x03\x01", AGREED + b"\x16\x03\x03"
    match = ask(ldap, client, server)
    assert (client[match.restart[0] :], server[match.restart[1] :]) == (b"\x16\x03\x01", b"\x16\x03\x03")


def test_refused_start_tls_stays(ask):
    assert ask(ldap, START_TLS, REFUSED).restart is None


@pytest.mark.parametrize("size", [1, 4, 8])
def test_beginnings_wait(ask, size):
    assert ask(ldap, BIND[:size]) is MORE


def test_snmp_is_refused(ask):
    assert ask(ldap, SNMP, SNMP) is NO
