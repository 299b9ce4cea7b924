"""TP-Link's smart home devices."""

from pywall_protocols.messaging import tplink_smarthome

from pywall_core.api import MORE, NO
from pywall_core.testing import conversation, detector_contract


def encrypted(plain):
    key, data = 171, bytearray()
    for byte in plain:
        key ^= byte
        data.append(key)
    return bytes(data)


ASK = encrypted(b'{"system":{"get_sysinfo":{}}}')
TELL = encrypted(b'{"system":{"get_sysinfo":{"alias":"lamp"}}}')


def framed(data):
    return len(data).to_bytes(4, "big") + data


TestTplinkOverUdp = detector_contract(
    tplink_smarthome,
    [conversation("udp").client(ASK).server(TELL), conversation("udp").client(encrypted(b"{}"))],
    [conversation("udp").client(encrypted(b'{"\1\2')), conversation("udp").client(b"\xd0\xf2" + bytes(20))],
)
TestTplinkOverTcp = detector_contract(
    tplink_smarthome,
    [conversation().client(framed(ASK)).server(framed(TELL))],
    [conversation().client(framed(b"\xd0" + bytes(40))), conversation().client(b"\0\0\0\1\xd0")],
)


def test_frames(ask):
    assert ask(tplink_smarthome, framed(ASK), framed(TELL)).confirmed
    assert ask(tplink_smarthome, framed(ASK)[:20]) is MORE
    assert ask(tplink_smarthome, b"\0\0\0\x20\xd1") is NO
