"""ONC RPC."""

from pywall_protocols.remote import rpc

from pywall_core.api import MORE
from pywall_core.testing import conversation, detector_contract


def words(*numbers):
    return b"".join(number.to_bytes(4, "big") for number in numbers)


def record(message):
    return words(0x80000000 | len(message)) + message


CALL = words(0x1234, 0, 2, 100003, 3, 1) + words(1, 8, 5, 6) + words(0, 0) + words(7, 8)
REPLY = words(0x1234, 1, 0, 0, 0, 0) + words(1, 2, 3)
DENIED = words(0x1234, 1, 1, 0, 2, 2)

TestRpcOverUdp = detector_contract(
    rpc,
    [
        conversation("udp").client(CALL).server(REPLY),
        conversation("udp").client(CALL).server(DENIED),
        conversation("udp").client(REPLY).server(CALL),
        conversation("udp").client(words(1, 0, 2, 100000, 2, 0, 0, 0, 0, 0)),
    ],
    [
        conversation("udp").client(words(0x1234, 0, 3, 100003, 3, 1, 0, 0, 0, 0)),
        conversation("udp").client(words(0x1234, 0, 2, 3, 3, 1, 0, 0, 0, 0)),
        conversation("udp").client(words(0x1234, 0, 2, 100003, 3, 1, 0, 4000, 0, 0)),
        conversation("udp").client(REPLY).server(REPLY),
    ],
)
TestRpcOverTcp = detector_contract(
    rpc,
    [conversation().client(record(CALL)).server(record(REPLY)), conversation().client(record(CALL))],
    [conversation().client(words(0x80000010) + CALL), conversation().client(CALL)],
)


def test_facts(ask):
    answer = ask(rpc, [CALL], [REPLY])
    assert answer.confirmed
    assert answer.facts == {"program": 100003, "version": 3, "procedure": 1}


def test_a_reply_is_not_enough(ask):
    assert ask(rpc, [REPLY]) is MORE
    assert ask(rpc, server=record(REPLY)) is MORE
