"""H.323."""

from pywall_protocols.voip import h323

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract

H225 = bytes.fromhex("2006 0008914a0003")


def tpkt(body):
    return b"\3\0" + (4 + len(body)).to_bytes(2, "big") + body


SETUP = tpkt(bytes.fromhex("08 02 77f4 05 0403 8090a5 7e 0009 05") + H225)
ALERTING = tpkt(bytes.fromhex("08 02 f7f4 01 7e 0009 05") + H225)
CONTROL = tpkt(bytes.fromhex("0270 0106 0008817500 0780138000"))
GATEKEEPER = bytes.fromhex("02200000 06 0008914a0004") + bytes(20)

TestH323OverTcp = detector_contract(
    h323,
    [conversation().client(SETUP).server(ALERTING), conversation().client(CONTROL), conversation().server(ALERTING)],
    [
        conversation().client(tpkt(bytes.fromhex("0ee0000000060000000000"))),
        conversation().client(tpkt(bytes.fromhex("08 02 77f4 05 0403 8090a5"))),
        conversation().client(SETUP.replace(b"\x77\xf4\5", b"\x77\xf4\x33")),
    ],
)
TestH323OverUdp = detector_contract(
    h323,
    [conversation("udp").client(GATEKEEPER).server(bytes.fromhex("04800000 06 0008914a0004") + bytes(9))],
    [conversation("udp").client(bytes(40) + GATEKEEPER)],
)


def test_facts(ask):
    assert ask(h323, SETUP).facts == {"message": "setup"}
    assert ask(h323, CONTROL).facts == {"message": "h245"}
    assert ask(h323, [GATEKEEPER]).facts == {"message": "ras"}


def test_the_identifier_is_waited_for(ask):
    assert ask(h323, SETUP[:12]) is MORE
    assert ask(h323, b"\3\0\0\x10\x08\5") is NO
