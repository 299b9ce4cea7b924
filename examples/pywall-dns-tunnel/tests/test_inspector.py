"""A tunnel's names among those of ordinary use."""

import os

from pywall_dns_tunnel import DnsTunnel, names

from pywall_core.testing import engine, udp_packet


def query(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + labels + b"\0\0\x10\0\1"


def ask(name: str, sport: int = 4000) -> bytes:
    return udp_packet("192.0.2.1", sport, "192.0.2.53", 53, query(name))


def test_names() -> None:
    assert names(query("www.Example.org")) == [b"www", b"example", b"org"]
    assert names(b"") == names(os.urandom(11)) == []


def test_a_tunnel_is_found_and_its_flow_marked() -> None:
    lab = engine({"version": 1}, plugins={"dns-tunnel": DnsTunnel(DnsTunnel.Options(bytes=1000))})
    lab.send(ask(f"www{n % 3}.example.org") for n in range(50))
    assert lab.of_type("alert") == []
    lab.send(ask(f"{os.urandom(25).hex()}.{os.urandom(25).hex()}.evil.example", 5000) for _ in range(20))
    (alert,) = lab.of_type("alert")
    assert alert["alert"]["signature"] == "DNS tunnel below evil.example"
    assert [flow.facts for flow in lab.flows if flow.sport == 5000] == [{"dns_tunnel.suspected": True}]
