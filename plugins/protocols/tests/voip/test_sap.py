"""SAP."""

from pywall_protocols.voip import sap

from pywall_core.testing import conversation, detector_contract

DESCRIPTION = b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=x\r\n"
ANNOUNCEMENT = b"\x20\0\0\1\xc0\0\2\1" + b"application/sdp\0" + DESCRIPTION
PLAIN = b"\x20\1\0\1\xc0\0\2\1" + b"auth" + DESCRIPTION
IPV6 = b"\x30\0\0\1" + bytes(16) + DESCRIPTION
DELETION = b"\x24\0\0\1\xc0\0\2\1" + b"o=- 1 1 IN IP4 192.0.2.1\r\n"

TestSap = detector_contract(
    sap,
    [conversation("udp").client(data) for data in (ANNOUNCEMENT, PLAIN, IPV6, DELETION)],
    [
        conversation("udp").client(b"\x22" + ANNOUNCEMENT[1:]),
        conversation("udp").client(b"\x20\1" + ANNOUNCEMENT[2:]),
        conversation("udp").client(b" is a blank and then some text"),
    ],
)


def test_nobody_answers(ask):
    assert not ask(sap, [ANNOUNCEMENT]).confirmed
