"""What the ready-made policies do with traffic, through the real engine."""

from __future__ import annotations

from importlib import resources

import pytest

from pywall_core.api import ACCEPT, DROP, INPUT, OUTPUT, Action
from pywall_core.testing import Conversation, conversation, engine

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
