"""Queries of Source servers."""

import pytest
from pywall_protocols.games import source_engine

from pywall_core.testing import conversation, detector_contract

ONES = b"\xff" * 4
INFO = ONES + b"TSource Engine Query\0"
CHALLENGE = ONES + b"A\1\2\3\4"
SERVER = ONES + b"I\x11name\0map\0folder\0game\0" + bytes(10)
MASTER = b"1\xff0.0.0.0:0\0\0"

TestSourceEngine = detector_contract(
    source_engine,
    [
        conversation("udp").client(INFO).server(CHALLENGE),
        conversation("udp").client(INFO).server(SERVER),
        conversation("udp").client(ONES + b"U\xff\xff\xff\xff"),
        conversation("udp").client(MASTER).server(ONES + b"f\n" + bytes(6)),
    ],
    [
        conversation("udp").client(ONES + b"X1234"),
        conversation("udp").client(ONES + b"U12345"),
        conversation("udp").client(b"\xff" * 20),
        conversation("udp").client(b"100 things"),
    ],
)


@pytest.mark.parametrize(("data", "query"), [(INFO, "T"), (SERVER, "I"), (MASTER, "1"), (CHALLENGE, "A")])
def test_facts(ask, data, query):
    assert ask(source_engine, [data]).facts == {"query": query}
