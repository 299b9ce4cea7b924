"""Genisys."""

from pywall_protocols.industrial import genisys

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

#: as recorded: polls, an acknowledgement and indications
POLL = bytes.fromhex("fb018340f6")
RECALL = bytes.fromhex("fd0180e0f6")
ACKNOWLEDGE = bytes.fromhex("f101f6")
INDICATIONS = bytes.fromhex("f20101051d061e053c49f6")

TestGenisys = detector_contract(
    genisys,
    [
        conversation().client(POLL).server(ACKNOWLEDGE),
        conversation().client(RECALL).server(INDICATIONS),
    ],
    [
        conversation().client(POLL[:-2] + b"\0\xf6"),
        conversation().client(b"\xfb\1\x83\xf1\xf6"),
        conversation().client(b"\xfb\1\xf0\x55\xf6"),
    ],
)


def test_facts(ask):
    assert ask(genisys, POLL, ACKNOWLEDGE).facts == {"station": 1}
    assert ask(genisys, POLL, ACKNOWLEDGE).confirmed
    assert not ask(genisys, POLL).confirmed
    assert not ask(genisys, POLL, INDICATIONS.replace(b"\x1d", b"\x1c")).confirmed
    assert ask(genisys, POLL[:4]) is MORE
    assert ask(genisys, b"\xfb" + b"\1" * 2000) is NO


def test_an_escaped_byte_is_one_of_the_content(ask):
    content = b"\xfc\2\5\xf3"
    crc = genisys.MODBUS.of(content).to_bytes(2, "little")
    escaped = b"".join(b"\xf0" + bytes([b & 15]) if b >= 0xF0 else bytes([b]) for b in content[1:] + crc)
    assert ask(genisys, content[:1] + escaped + b"\xf6").facts == {"station": 2}
