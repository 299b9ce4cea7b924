"""ROC Plus."""

from pywall_protocols.industrial import roc_plus

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

#: as recorded: configuration and time asked for, and the time
CONFIGURATION = bytes.fromhex("0102030406003a2f")
CLOCK = bytes.fromhex("0102030407003bbf")
TIME = bytes.fromhex("0102030407081e2d0c0f0307e803fd67")

TestRocPlus = detector_contract(
    roc_plus,
    [conversation().client(CONFIGURATION), conversation().client(CLOCK).server(TIME)],
    [
        conversation().client(CLOCK[:-1] + b"\0"),
        conversation().client(bytes.fromhex("01020304050022ff")),
        conversation().client(b"\1\2\1\2" + CLOCK[4:]),
    ],
    transport="tcp",
)
TestRocPlusOverUdp = detector_contract(
    roc_plus,
    [conversation("udp").client(CLOCK).server(TIME)],
    [conversation("udp").client(CLOCK[:7])],
    transport="udp",
)


def test_facts(ask):
    assert ask(roc_plus, CLOCK, TIME).facts == {"opcode": 7}
    assert ask(roc_plus, CLOCK[:5]) is MORE
    assert ask(roc_plus, b"\1\2\3\4\5") is NO
