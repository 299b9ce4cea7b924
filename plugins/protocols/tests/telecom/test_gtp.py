"""GTP."""

import pytest
from pywall_protocols.telecom import gtp

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract, udp_packet

PACKET = udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x" * 30)


def message(flags, kind, body, without=8):
    """A length that does not count the first ``without`` bytes."""
    whole = bytes([flags, kind, 0, 0]) + body
    return whole[:2] + (len(whole) - without).to_bytes(2, "big") + body


TUNNEL = b"\0\0\0\x2a"
DATA = message(0x30, 255, TUNNEL + PACKET)
NUMBERED = message(0x32, 255, TUNNEL + b"\0\7\0\0" + PACKET)
EXTENDED = message(0x34, 255, TUNNEL + b"\0\0\0\x85\1\x10\x09\0" + PACKET)
CREATE = message(0x32, 16, TUNNEL + b"\0\7\0\0" + b"\x02" + bytes(8) + b"\x10\0\0\0\1")
ECHO = message(0x40, 1, b"\0\0\1\0" + b"\3\0\1\0\7", without=4)
CREATE_SESSION = message(0x48, 32, TUNNEL + b"\0\0\1\0" + b"\1\0\4\0abcd", without=4)
OLD = message(0x1E, 16, b"\0\1\0\0\xff\xff\xff\xff" + bytes(8) + bytes(10), without=20)
PRIME = message(0x0F, 1, b"\0\1", without=6)

TestGtp = detector_contract(
    gtp,
    [conversation("udp").client(m) for m in (DATA, NUMBERED, EXTENDED, CREATE, ECHO, CREATE_SESSION, OLD, PRIME)]
    + [conversation("udp").client(ECHO).server(ECHO)],
    [
        conversation("udp").client(DATA[:-1]),
        conversation("udp").client(message(0x30, 255, TUNNEL)),
        conversation("udp").client(message(0x48, 32, TUNNEL + b"\0\0\1\0" + b"\1\0\5\0abcd", without=4)),
        conversation("udp").client(message(0x30, 200, TUNNEL)),
        conversation("udp").client(message(0x34, 255, TUNNEL + b"\0\0\0\x85\0\x10\x09\0" + PACKET)),
    ],
)


@pytest.mark.parametrize(("data", "version", "kind"), [(DATA, 1, 255), (ECHO, 2, 1), (OLD, 0, 16)])
def test_facts(ask, data, version, kind):
    assert ask(gtp, [data]).facts == {"version": version, "message_type": kind}


def test_an_extension_beyond_the_datagram(ask):
    assert ask(gtp, [message(0x34, 255, TUNNEL + b"\0\0\0\x85\xff" + bytes(20))]) is NO


@pytest.mark.parametrize("carried", [DATA, NUMBERED, EXTENDED])
def test_user_data_confirms_where_it_is_ip(ask, carried):
    back = carried.replace(b"\xc0\0\2\1\xc0\0\2\2", b"\xc0\0\2\2\xc0\0\2\1")
    assert back != carried
    assert ask(gtp, [carried], [back]).confirmed
    assert not ask(gtp, [carried], [carried[:-1] + b"y"]).confirmed
    other = message(0x30, 255, TUNNEL + bytes(range(90, 150)))
    assert not ask(gtp, [carried], [other]).confirmed
    assert not ask(gtp, [other], [carried]).confirmed
