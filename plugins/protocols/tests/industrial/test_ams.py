"""ADS."""

from pywall_protocols.industrial import ams

from pywall_core.api import MORE
from pywall_core.testing import conversation, detector_contract


def message(command, flags, body=b"", size=None):
    size = len(body) if size is None else size
    header = b"".join(n.to_bytes(w, "little") for n, w in ((command, 2), (flags, 2), (size, 4), (0, 4), (7, 4)))
    return (
        b"\0\0"
        + (32 + len(body)).to_bytes(4, "little")
        + b"\5\1\2\3\1\1\x10\x27"
        + b"\xc0\0\2\1\1\1\3\x80"
        + header
        + body
    )


READ = message(2, 4, bytes(12))
ANSWER = message(2, 5, bytes(8))
SEARCH = bytes.fromhex("03661471 00000000 01000000 c00002010101 1027 00000000")

TestAmsOverTcp = detector_contract(
    ams,
    [conversation().client(READ).server(ANSWER)],
    [
        conversation().client(message(2, 4, bytes(12), size=11)),
        conversation().client(message(10, 4)),
        conversation().client(message(2, 3)),
        conversation().client(b"\0\1" + READ[2:]),
    ],
)
TestAmsOverUdp = detector_contract(
    ams, [conversation("udp").client(SEARCH)], [conversation("udp").client(b"\3\x66\x14\x72" + SEARCH[4:])]
)


def test_facts(ask):
    assert ask(ams, READ, ANSWER).facts == {"command": 2}
    assert ask(ams, READ[:37]) is MORE
