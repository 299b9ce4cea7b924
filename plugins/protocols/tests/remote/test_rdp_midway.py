"""RDP over UDP from the middle."""

from pywall_protocols.remote import rdp_midway

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

#: packets as a recording of nDPI has them
SENT = bytes.fromhex(
    "109760340400000c00010100e65f846ee65f846e1703030034000000000000000153a0b82bb6d6253384e5c27e39f965aacced683a05ce0081"
    "809496dde8a70a733b3261561f53c636bc95f93b"
)
RECEIVED = bytes.fromhex(
    "e65f846d00c8000c00010100109760341097603414030300010116030300280000000000000000f4290dcc1318740f115f52020cd7a2840628"
    "49ad5d38d9fa3a2f2be85c09c902"
)
FAR = RECEIVED[:12] + b"\x20" + RECEIVED[13:16] + b"\x20" + RECEIVED[17:]

TestRdpMidway = detector_contract(
    rdp_midway,
    [
        conversation("udp").client(SENT).server(RECEIVED),
        conversation("udp").client(RECEIVED).server(SENT),
        conversation("udp").client(bytes.fromhex("1097603703ff000400010400")).client(SENT).server(RECEIVED),
    ],
    [
        conversation("udp").client(SENT[:7] + b"\x08" + SENT[8:]),
        conversation("udp").client(SENT[:15] + b"\0" + SENT[16:]),
        conversation("udp").client(SENT[:20] + b"\x19" + SENT[21:]),
    ],
    others=[conversation("udp").client(SENT).server(FAR)],
)


def test_both_sides_must_speak_of_each_other(ask):
    assert ask(rdp_midway, [SENT], [RECEIVED]).confirmed
    assert not ask(rdp_midway, [SENT], [FAR]).confirmed
    assert not ask(rdp_midway, [SENT], [SENT]).confirmed


def test_acknowledgements_alone_are_waited_for(ask):
    alone = bytes.fromhex("1097603703ff000400010400")
    assert ask(rdp_midway, [alone]) is MORE
    assert ask(rdp_midway, [alone] * 4) is NO
