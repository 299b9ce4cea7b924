""".NET: message framing and remoting."""

from pywall_protocols.remote import nmf

from pywall_core.api import Match
from pywall_core.testing import detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

URI = b"net.tcp://host.example:808/Service"
PREAMBLE = b"\0\1\0\1\2\2" + bytes([len(URI)]) + URI + b"\3\x08\x0c"
REMOTING = b".NET\1\0\0\0\0\0\x42\0\0\0\4\0"

TestNmf = detector_contract(
    nmf,
    [(PREAMBLE, b"\x0b"), (PREAMBLE, b""), (REMOTING, b".NET\1\0\2\0\0\0")],
    [(b"\0\1\0\1\2\2" + NOISE, b""), (b"\0\1" + NOISE, NOISE), (b".NET is a framework", b"")],
)


def test_facts(ask):
    assert ask(nmf, PREAMBLE, b"\x0b") == Match("net-tcp", {"uri": URI.decode()})
    assert not ask(nmf, PREAMBLE, b"\x0b" + NOISE).confirmed
