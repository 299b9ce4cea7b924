"""OpenWire, PPTP, DSI, X11, Z39.50, OpenFlow, SCCP: binary protocols that a few fields tell."""

import pytest
from pywall_protocols.databases import z3950
from pywall_protocols.files import dsi
from pywall_protocols.management import openflow
from pywall_protocols.messaging import openwire
from pywall_protocols.remote import x11
from pywall_protocols.tunnels import pptp
from pywall_protocols.voip import skinny

from pywall_core.api import MORE, Match
from pywall_core.testing import detector_contract

WIREFORMAT = b"\0\0\0\x14\1ActiveMQ\0\0\0\x0c\1\0\0\0\0"
PPTP_REQUEST = b"\0\x9c\0\1\x1a\x2b\x3c\x4d\0\1\0\0" + bytes(144)
PPTP_REPLY = b"\0\x9c\0\1\x1a\x2b\x3c\x4d\0\2\0\0" + bytes(144)
DSI_OPEN = b"\0\4\0\1" + bytes(4) + b"\0\0\0\6" + bytes(4) + b"\1\4\0\0\x04\0"
DSI_REPLY = b"\1\4\0\1" + bytes(4) + b"\0\0\0\0" + bytes(4)
X11_SETUP = b"l\0\x0b\0\0\0\x12\0\x10\0\0\0" + b"MIT-MAGIC-COOKIE-1\0\0" + bytes(16)
X11_OK = b"\1\0\x0b\0\0\0\x40\1"
Z_REQUEST = b"\xb4\x26\x83\2\0\xe0\x84\3\0\xe9\xa2\x85\4\4\0\0\0\x86\4\4\0\0\0\x9f\x6e\2\x38\x31\x9f\x6f\7GFS/YAZ\0\0\0"
Z_RESPONSE = b"\xb5" + Z_REQUEST[1:]
HELLO = b"\6\0\0\x10\0\0\0\1\0\1\0\x08\0\0\0\x40"
#: hellos of both sides may be equal: what follows tells them from an echo
ECHO = b"\6\2\0\x08\0\0\0\2"
HELLO_1 = b"\1\0\0\x08\0\0\0\1"
REGISTER = b"\x2c\0\0\0\0\0\0\0\1\0\0\0SEP001122334455\0" + bytes(24)
REGISTERED = b"\x14\0\0\0\0\0\0\0\x81\0\0\0" + bytes(16)
SCCP_ALIVE = b"\4\0\0\0\0\0\0\0\0\0\0\0"
NOISE = b"\x6a\xe7\x11\x9d\x30\x84\xfb\x02" * 8

TestOpenwire = detector_contract(
    openwire,
    positives=[(WIREFORMAT, WIREFORMAT), (WIREFORMAT, b"")],
    negatives=[(b"\0\0\0\x14\2ActiveMQ", b"\0\0\0\x14\1ActiveBS"), (NOISE, NOISE), (b"\1\0\0\x14\1ActiveMQ", b"")],
)
TestPptp = detector_contract(
    pptp,
    positives=[(PPTP_REQUEST, PPTP_REPLY), (PPTP_REQUEST, b"")],
    negatives=[
        (b"\0\x9c\0\1\x1a\x2b\x3c\x4e\0\1\0\0", b""),
        (b"\0\x9c\0\1\x1a\x2b\x3c\x4d\0\xff\0\0", b""),
        (NOISE, NOISE),
    ],
)
TestDsi = detector_contract(
    dsi,
    positives=[(DSI_OPEN, DSI_REPLY)],
    negatives=[(DSI_OPEN, b"\1\4\0\2" + DSI_REPLY[4:]), (DSI_OPEN, DSI_OPEN), (bytes(16), bytes(16)), (NOISE, NOISE)],
)
TestX11 = detector_contract(
    x11,
    positives=[(X11_SETUP, X11_OK), (X11_SETUP, b""), (b"B\0\0\x0b\0\0\0\0\0\0\0\0", b"\0\x10\0\x0b\0\0\0\4")],
    negatives=[(b"let us begin", b"\1 then"), (b"B\0\x0b\0\0\0\0\0\0\0\0\0", b""), (NOISE, NOISE)],
)
TestZ3950 = detector_contract(
    z3950,
    positives=[(Z_REQUEST, Z_RESPONSE), (Z_REQUEST, b"")],
    negatives=[
        (b"\xb4" + bytes(40), b""),
        (b"\xb4\x26\x83\2\0\xe0\x99\3\0\xe9\xa2" + bytes(40), b"\xb5" + NOISE),
        (NOISE, NOISE),
    ],
)
TestOpenflow = detector_contract(
    openflow,
    positives=[(HELLO, HELLO), (HELLO_1, HELLO_1), (HELLO, HELLO_1)],
    negatives=[
        (HELLO_1, b"\1\2\0\x08\0\0\0\1"),
        (b"\7\0\0\x08\0\0\0\1", HELLO_1),
        (b"\5\1\0", b"\5\0"),
        (NOISE, NOISE),
    ],
)
TestSkinny = detector_contract(
    skinny,
    positives=[(REGISTER, REGISTERED), (REGISTER, b""), (SCCP_ALIVE, b"\4\0\0\0\0\0\0\0\0\1\0\0")],
    negatives=[
        (SCCP_ALIVE, SCCP_ALIVE),
        (bytes(32), bytes(32)),
        (NOISE, NOISE),
        (REGISTER.replace(b"SEP", b"\1\2\3"), b""),
    ],
)


@pytest.mark.parametrize(
    ("detector", "client", "server", "match"),
    [
        (openflow, HELLO, HELLO + ECHO, Match("openflow", {"version": "1.5"})),
        (openflow, HELLO, HELLO, Match("openflow", {"version": "1.5"}, confirmed=False, done=False)),
        (skinny, REGISTER, REGISTERED, Match("skinny", {"device": "SEP001122334455"})),
        (pptp, PPTP_REQUEST, PPTP_REPLY, Match("pptp")),
    ],
)
def test_matches_and_facts(ask, detector, client, server, match):
    assert ask(detector, client, server) == match


@pytest.mark.parametrize(("detector", "client"), [(dsi, DSI_OPEN), (openflow, HELLO_1), (skinny, SCCP_ALIVE)])
def test_weak_messages_wait_for_the_other_side(ask, detector, client):
    assert ask(detector, client) is MORE
