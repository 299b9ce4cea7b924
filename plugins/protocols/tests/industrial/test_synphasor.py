"""Synchrophasors."""

from binascii import crc_hqx

from pywall_protocols.industrial import synphasor

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def frame(kind, body):
    start = b"\xaa" + bytes([kind << 4 | 1]) + (16 + len(body)).to_bytes(2, "big") + b"\0\x3c" + bytes(8) + body
    return start + crc_hqx(start, 0xFFFF).to_bytes(2, "big")


COMMAND = frame(4, b"\0\5")
CONFIGURATION = frame(3, bytes(60))

TestSynphasorOverTcp = detector_contract(
    synphasor,
    [conversation().client(COMMAND).server(CONFIGURATION), conversation().server(frame(0, bytes(40)))],
    [conversation().client(COMMAND[:-1] + b"\0"), conversation().client(frame(9, bytes(8)))],
)
TestSynphasorOverUdp = detector_contract(
    synphasor, [conversation("udp").client(COMMAND).server(CONFIGURATION)], [conversation("udp").client(COMMAND[:-1])]
)


def test_facts(ask):
    assert ask(synphasor, COMMAND).facts == {"frame": "command", "idcode": 60}


def test_the_checksum_of_the_example_in_the_standard(ask):
    """A command frame as recorded between a phasor measurement unit and a concentrator."""
    assert ask(synphasor, bytes.fromhex("aa41 0012 003c 4899909a 00342ed5 0001 560b")).facts["frame"] == "command"


def test_the_whole_frame_is_waited_for(ask):
    assert ask(synphasor, COMMAND[:-1]) is MORE
    assert ask(synphasor, b"\xaa\x41\0\x0f") is NO
