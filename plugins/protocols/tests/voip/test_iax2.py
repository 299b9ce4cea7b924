"""IAX2."""

from pywall_protocols.voip import iax2

from pywall_core.testing import conversation, detector_contract

FRAME = bytes.fromhex("8004 0000 00000001 0000 06")
NEW = FRAME + b"\x01" + b"\x0b\2\0\2" + b"\1\x03100" + b"\xff\4\0\0\0\2"
ACCEPT = bytes.fromhex("8005 0004 00000007 0001 06 07")
POKE = FRAME + b"\x1e"

TestIax2 = detector_contract(
    iax2,
    [conversation("udp").client(NEW).server(ACCEPT), conversation("udp").client(NEW), conversation("udp").client(POKE)],
    [
        conversation("udp").client(NEW[:-1]),
        conversation("udp").client(NEW[:2] + b"\0\1" + NEW[4:]),
        conversation("udp").client(FRAME + b"\x01"),
        conversation("udp").client(FRAME + b"\x7f" + b"\x0b\2\0\2"),
    ],
)


def test_facts(ask):
    assert ask(iax2, [NEW]).facts == {"message": "new"}
    assert ask(iax2, [POKE]).facts == {"message": "poke"}


def test_confirmed_by_the_other_end_of_the_call(ask):
    assert ask(iax2, [NEW], [ACCEPT]).confirmed
    assert not ask(iax2, [NEW]).confirmed
    assert not ask(iax2, [NEW], [ACCEPT.replace(b"\0\4", b"\0\5")]).confirmed
