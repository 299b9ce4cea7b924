"""What the ready-made policies do with traffic, through the real engine."""

from __future__ import annotations

from importlib import resources

import pytest

from pywall_core.api import ACCEPT, DROP, INPUT, OUTPUT, Action, decode
from pywall_core.testing import Conversation, conversation, engine, udp_packet

SSH = (b"SSH-2.0-OpenSSH_9.6\r\n", b"SSH-2.0-OpenSSH_9.2\r\n")
HTTP = (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
NOISE = (bytes(range(7, 250, 3)) * 4, bytes(range(250, 7, -3)) * 4)


def dialogue(said: tuple[bytes, bytes], port: int) -> Conversation:
    talk = conversation(server=("198.51.100.2", port))
    for _ in range(20):
        talk = talk.client(said[0]).server(said[1])
    return talk


def last(policy: str, talk: Conversation, *, begun_here: bool) -> Action:
    """What becomes of the last packet from the other side, on a host that is the server or the client."""
    text = resources.files("pywall_core.policies").joinpath(f"{policy}.yaml").read_text()
    lab = engine(None if policy == "default" else text)
    hooks = (OUTPUT, INPUT) if begun_here else (INPUT, OUTPUT)
    packets = talk.packets(client_hook=hooks[0], server_hook=hooks[1])
    verdicts = lab.send(packets)
    return [verdict.action for packet, verdict in zip(packets, verdicts, strict=True) if packet.hook == INPUT][-1]


@pytest.mark.parametrize(
    ("policy", "said", "port", "begun_here", "expected"),
    [
        ("host-firewall", SSH, 22, False, ACCEPT),
        ("host-firewall", SSH, 2222, False, DROP),
        ("host-firewall", HTTP, 22, False, DROP),
        ("host-firewall", HTTP, 80, False, DROP),
        ("host-firewall", HTTP, 80, True, ACCEPT),
        ("host-firewall", NOISE, 4444, True, ACCEPT),
        ("allow-known", SSH, 2222, False, ACCEPT),
        ("allow-known", HTTP, 22, False, ACCEPT),
        ("allow-known", NOISE, 22, False, DROP),
        ("allow-known", NOISE, 443, True, DROP),
        ("allow-known", SSH, 443, True, ACCEPT),
        ("default", NOISE, 443, False, ACCEPT),
    ],
)
def test_policies_decide_by_content_and_by_who_began(
    policy: str, said: tuple[bytes, bytes], port: int, begun_here: bool, expected: Action
) -> None:
    assert last(policy, dialogue(said, port), begun_here=begun_here) is expected


@pytest.mark.parametrize("policy", ["host-firewall", "home", "server"])
@pytest.mark.parametrize(
    ("server", "port", "expected"),
    [("198.51.100.2", 40001, ACCEPT), ("198.51.100.9", 40001, DROP), ("198.51.100.2", 40002, DROP)],
)
def test_a_file_by_tftp_comes_from_another_port_of_the_server_that_was_asked(
    policy: str, server: str, port: int, expected: Action
) -> None:
    """RFC 1350, section 4: the server answers from a port of its choice, to the one that asked."""
    lab = engine(resources.files("pywall_core.policies").joinpath(f"{policy}.yaml").read_text())
    asked = udp_packet("192.0.2.1", 40001, "198.51.100.2", 69, b"\0\1boot.img\0octet\0")
    data = udp_packet(server, 50000, "192.0.2.1", port, b"\0\3\0\1" + b"x" * 512)
    lab.send([decode(asked, 1000.0, OUTPUT)])
    assert lab.send([decode(data, 1000.1, INPUT)])[0].action is expected
