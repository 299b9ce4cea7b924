"""LDAP transactions by message identifier, and StartTLS behind others."""

from pywall_protocols.access import ldap

from pywall_core.api import Ambiguous
from pywall_core.testing import find_transactions, make_flow, transaction_contract


def message(number, tag, body):
    inner = b"\2\1" + bytes([number]) + bytes([tag, len(body)]) + body
    return b"0" + bytes([len(inner)]) + inner


BIND = message(1, 0x60, b"\2\1\3\4\4cn=a\x80\1x")
BOUND = message(1, 0x61, b"\x0a\1\x31\4\0\4\0")
SEARCH = message(2, 0x63, b"\4\4dc=b\x0a\1\2")
ENTRY = message(2, 0x64, b"\4\4dc=b0\0")
DONE = message(2, 0x65, b"\x0a\1\0\4\0\4\0")
TLS = message(3, 0x77, b"\x80\x161.3.6.1.4.1.1466.20037")
READY = message(3, 0x78, b"\x0a\1\0\4\0\4\0")
BUSY = message(3, 0x78, b"\x0a\1\x34\4\0\4\0")

WHO = message(4, 0x77, b"\x80\x171.3.6.1.4.1.4203.1.11.3")
WHO_ANSWERED = message(4, 0x78, b"\x0a\1\0\4\0\4\0\x8b\0")

TestLdap = transaction_contract(
    ldap,
    [
        (BIND + SEARCH + message(3, 0x42, b""), BOUND + ENTRY + DONE),
        (BIND + TLS + b"client", BOUND + READY + b"server"),
        (WHO + TLS + b"client", WHO_ANSWERED + READY + b"server"),
    ],
)


def test_start_tls_behind_a_refused_bind():
    found = find_transactions(ldap, (BIND + TLS + b"client", BOUND + READY + b"server"))
    assert (found.hand_over.client, found.hand_over.server) == (b"client", b"server")
    assert found.complete[0]["response.result_code"] == 0x31
    assert found.complete[0]["request.bind_request.name"] == "cn=a"


def test_a_refused_start_tls_hands_nothing_over():
    found = find_transactions(ldap, [(True, TLS), (False, BUSY), (True, SEARCH), (False, DONE)])
    assert found.hand_over is None
    assert found.complete[1]["request.search_request.base_object"] == "dc=b"


def test_start_tls_behind_another_extended_operation():
    """Its success is that of who asked for it, not of StartTLS."""
    talk = [(True, WHO), (False, WHO_ANSWERED), (True, TLS), (False, READY), (True, b"client")]
    assert find_transactions(ldap, talk).hand_over is not None


def test_an_answer_to_an_operation_behind_too_many_others_is_ambiguous():
    parser = ldap.pywall_transactions(make_flow())
    parser.feed(True, WHO + b"".join(message(number, 0x63, b"\4\4dc=b\x0a\1\2") for number in range(5, 90)))
    assert [one.reason for one in parser.feed(False, WHO_ANSWERED) if isinstance(one, Ambiguous)] == ["many_operations"]
