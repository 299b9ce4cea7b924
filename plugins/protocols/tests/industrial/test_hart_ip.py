"""HART-IP."""

import pytest
from pywall_protocols.industrial import hart_ip

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def message(kind, number, body=b"", status=0):
    header = [(1, 1), (kind, 1), (number, 1), (status, 1), (7, 2), (8 + len(body), 2)]
    return b"".join(value.to_bytes(size, "big") for value, size in header) + body


OPEN = message(0, 0, b"\1\0\0\x75\x30")
OPENED = message(1, 0, b"\1\0\0\x75\x30")
COMMAND = message(0, 3, bytes.fromhex("0280000082"))

TestHartIpOverUdp = detector_contract(
    hart_ip,
    [conversation("udp").client(OPEN).server(OPENED), conversation("udp").client(message(0, 128))],
    [
        conversation("udp").client(OPEN + b"\0"),
        conversation("udp").client(message(0, 0)),
        conversation("udp").client(message(0, 3, b"x", status=1)),
        conversation("udp").client(message(9, 3, b"x")),
    ],
)
TestHartIpOverTcp = detector_contract(
    hart_ip, [conversation().client(COMMAND).server(message(1, 3, bytes(9)))], [conversation().client(message(0, 77))]
)


@pytest.mark.parametrize(("data", "name"), [(OPEN, "session_initiate"), (COMMAND, "pass_through")])
def test_facts(ask, data, name):
    assert ask(hart_ip, [data]).facts == {"message": name}
    assert ask(hart_ip, [data[:7]]) is NO


def test_a_stream_needs_an_answer(ask):
    assert ask(hart_ip, OPEN) is MORE
    assert ask(hart_ip, OPEN, OPENED).confirmed
    assert ask(hart_ip, OPEN, message(1, 3, b"x")) is NO


def test_an_answer_is_of_another_kind_and_of_a_known_version(ask):
    assert ask(hart_ip, COMMAND, COMMAND) is NO
    assert ask(hart_ip, b"\3" + COMMAND[1:]) is NO
