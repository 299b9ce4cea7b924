"""DNSCrypt: a sealed query and the answer that repeats its half nonce."""

from pywall_protocols.discovery import dnscrypt

from pywall_core.api import MORE
from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

NONCE = bytes(range(200, 212))
QUERY = b"resolver" + NOISE[:32] + NONCE + NOISE[:272]
ANSWER = b"r6fnvWj8" + NONCE + bytes(range(12)) + NOISE[:128]


def framed(data):
    return len(data).to_bytes(2, "big") + data


TestOverUdp = detector_contract(
    dnscrypt,
    [
        conversation("udp").client(QUERY).server(ANSWER),
        # as dnscrypt-proxy pads: the whole message
        conversation("udp").client((QUERY * 4)[:1088]).server(ANSWER),
    ],
    [
        conversation("udp").client(QUERY).server(ANSWER[:8] + NOISE),
        conversation("udp").client(QUERY).server(NOISE),
        conversation("udp").client(QUERY[:-1]).server(ANSWER),
    ],
)
TestOverTcp = detector_contract(
    dnscrypt,
    [(framed(QUERY), framed(ANSWER))],
    [(framed(QUERY), NOISE), (NOISE, framed(ANSWER)), (framed(QUERY), framed(ANSWER[:8] + NOISE[:64]))],
    transport="tcp",
)


def test_a_query_alone_waits(ask):
    assert ask(dnscrypt, [QUERY]) is MORE
    assert ask(dnscrypt, [QUERY], [ANSWER]).confirmed
