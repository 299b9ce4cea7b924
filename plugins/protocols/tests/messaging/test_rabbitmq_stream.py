"""RabbitMQ's streams: the exchange of properties."""

from pywall_protocols.messaging import rabbitmq_stream

from pywall_core.testing import detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

ASKED = b"\0\0\0\x20\0\x11\0\1\0\0\0\7\0\0\0\1\0\7product"
TOLD = b"\0\0\0\x20\x80\x11\0\1\0\0\0\7\0\1"

TestStream = detector_contract(
    rabbitmq_stream,
    [(ASKED, TOLD), (ASKED, b"")],
    [(b"\0\0\0\x20\0\x11\0\2" + bytes(8), b""), (b"\0" + NOISE, NOISE)],
)


def test_the_correlation_confirms(ask):
    assert ask(rabbitmq_stream, ASKED, TOLD).confirmed
    assert not ask(rabbitmq_stream, ASKED, TOLD[:11] + b"\x08\0\1").confirmed
