"""RTMP: the handshake."""

from pywall_protocols.voip import rtmp

from pywall_core.testing import conversation, detector_contract

NOISE = bytes.fromhex("9f3b6ad0c44e17a8f25b09e6718d3cb0aa54f1e2037796bd48c1d05e2f8a6b93") * 12

C1 = bytes(8) + (NOISE * 4)[:1528]
S1 = bytes(8) + (NOISE * 5)[100:1628]
CLIENT = b"\3" + C1
SERVER = b"\3" + S1 + C1

TestRtmp = detector_contract(
    rtmp,
    [conversation().client(CLIENT).server(SERVER).client(S1), (CLIENT, b"\3")],
    [(b"\3\0\0\x13\x0e\xe0", b"\3\0\0\x13"), (CLIENT, NOISE), (b"\3" + NOISE * 5, SERVER)],
)


def test_the_repeated_packet_confirms(ask):
    assert ask(rtmp, CLIENT, SERVER).confirmed
    assert not ask(rtmp, CLIENT, b"\3" + (NOISE * 9)[:3072]).confirmed
