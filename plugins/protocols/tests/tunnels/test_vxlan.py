"""VXLAN."""

from pywall_protocols.tunnels import vxlan

from pywall_core.api import NO
from pywall_core.testing import conversation, detector_contract, udp_packet

FRAME = bytes.fromhex("020000000002 020000000001 0800") + udp_packet("192.0.2.1", 1, "192.0.2.2", 2, b"x" * 30)
MESSAGE = bytes.fromhex("08000000 00045700") + FRAME
ARP = MESSAGE[:20] + bytes.fromhex("0806 0001 0800 0604 0001") + bytes(38)
POLICY = bytes.fromhex("88480064 2dc6c100") + FRAME

TestVxlan = detector_contract(
    vxlan,
    [
        conversation("udp").client(MESSAGE).server(MESSAGE),
        conversation("udp").client(POLICY),
        conversation("udp").client(ARP),
        conversation("udp").client(b"\x08\x08\x7f\x7f" + MESSAGE[4:]),
    ],
    [
        conversation("udp").client(b"\x08\1" + ARP[2:]),
        conversation("udp").client(MESSAGE[:-1]),
        conversation("udp").client(MESSAGE[:7] + b"\1" + FRAME),
        conversation("udp").client(b"\x08\0\0\1" + ARP[4:]),
    ],
)


def test_facts(ask):
    assert ask(vxlan, [MESSAGE]).facts == {"vni": 0x457}
    assert ask(vxlan, [MESSAGE[:20]]) is NO


def test_a_frame_that_is_not_looked_into_confirms_nothing(ask):
    """Behind the ethertype of LLDP or MPLS anything may stand."""
    other = MESSAGE[:-1] + b"y"
    assert ask(vxlan, [MESSAGE], [other]).confirmed
    for kind in ("88cc", "8847", "8100 0005 88cc"):
        sealed = MESSAGE[:20] + bytes.fromhex(kind) + bytes(range(90))
        assert not ask(vxlan, [sealed], [sealed + b"."]).confirmed
        assert not ask(vxlan, [MESSAGE], [sealed]).confirmed
