"""Neighbour discovery and listener messages pass unasked; what only has their numbers carries nothing past a policy."""

from __future__ import annotations

import subprocess
from ipaddress import ip_address
from struct import pack
from typing import Any

import pytest

from pywall_core.kernel.ruleset import LISTENER_DISCOVERY, NEIGHBOUR_DISCOVERY
from pywall_core.testing.packets import checksum, ip_packet

POLICY = """
    version: 1
    queue: {number: 4, hooks: [INPUT, FORWARD]}
    plugins: [rules, stream]
    chains:
      INPUT:
        - {rule: protocol, is: icmpv6, action: DROP}
        - {rule: port, dst: 7000, action: ACCEPT}
      FORWARD:
        - {rule: protocol, is: icmpv6, action: DROP}
    default: {INPUT: DROP, FORWARD: ACCEPT}
    """
TYPES = (*NEIGHBOUR_DISCOVERY, *LISTENER_DISCOVERY)
MARK = b"carried by a tunnel "
LISTEN = """
    s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    print("ready", flush=True)
    s.settimeout(float(sys.argv[1]))
    heard = 0
    try:
        while True:
            data = s.recv(4096)
            if b"the end" in data:
                break
            heard += b"carried by a tunnel" in data
    except TimeoutError:
        pass
    print(heard, flush=True)
    """


def icmpv6(src: str, dst: str, kind: int, hops: int, data: bytes = MARK * 50) -> bytes:
    body = pack("!BBHI", kind, 0, 0, 0) + data
    pseudo = ip_address(src).packed + ip_address(dst).packed + pack("!II", len(body), 58)
    body = body[:2] + pack("!H", checksum(pseudo + body)) + body[4:]
    return ip_packet(src, dst, 58, body, ttl=hops)


def listener(namespace: Any, seconds: float) -> subprocess.Popen[str]:
    process: subprocess.Popen[str] = namespace.python(LISTEN, seconds)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def heard(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


@pytest.mark.parametrize("hops", [64, 255, 2])
def test_a_gateway_passes_none_of_them_on(lab: Any, variant: str, hops: int) -> None:
    server = lab.add_server()
    frames = [icmpv6(lab.PEER6, lab.SERVER6, kind, hops) for kind in TYPES]
    last = icmpv6(lab.PEER6, lab.SERVER6, 128, hops, b"the end")

    listening = listener(server, 20)
    lab.send_frames([*frames, last])
    assert heard(listening) == len(TYPES), "without a firewall"

    firewall = lab.run(POLICY, PYWALL_IPTABLES=variant)
    listening = listener(server, 2)
    lab.send_frames([*frames, last] * 3)
    assert heard(listening) == 0
    assert firewall.stop() == 0


def test_a_host_takes_in_those_of_its_link_alone(lab: Any, variant: str) -> None:
    lab.fw.echo_server(7000, lab.FW6)
    firewall = lab.run(POLICY, PYWALL_IPTABLES=variant)
    local = lab.peer.run("ip -6 -o addr show dev peer0 scope link").split()[3].split("/")[0]

    listening = listener(lab.fw, 2)
    strangers = [icmpv6(lab.PEER6, lab.FW6, kind, 64) for kind in TYPES]
    near = [icmpv6(lab.PEER6, lab.FW6, kind, 1) for kind in LISTENER_DISCOVERY]  # RFC 2710: from link-local addresses
    far = [icmpv6(local, lab.FW6, kind, 64) for kind in TYPES]
    lab.send_frames([*strangers, *near, *far] * 3)
    assert heard(listening) == 0

    listening = listener(lab.fw, 5)
    lab.send_frames([icmpv6(local, lab.FW6, 131, 1), icmpv6(local, lab.FW6, 131, 1, b"the end")])
    assert heard(listening) == 1, "a listener report of the link"
    for namespace in (lab.fw, lab.peer):
        namespace.run("ip -6 neigh flush all")
    assert lab.peer.echo(lab.FW6, 7000) == "ok", "neighbours are found"
    assert firewall.stop() == 0
