"""What the README shows is true: its policy is good, its detector works, its commands exist."""

from __future__ import annotations

import json
import re
import types
from importlib.metadata import entry_points
from pathlib import Path
from random import Random

import pytest

from pywall_core.cli import main
from pywall_core.config import bind_chains, loads
from pywall_core.plugins.loader import load
from pywall_core.testing import conversation, detector_contract, engine, make_flow, write_pcap

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()


def block(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", README, re.S)
    assert found is not None
    return found[1]


def test_the_policy_is_good() -> None:
    config = loads(block("yaml").encode(), "README.md")
    plugins = load(config)
    kinds = plugins.registry.kinds
    assert bind_chains(config, kinds, capabilities=plugins.provides(), protocols=plugins.protocols())["INPUT"]


def verdicts(capture: Path, capsys: pytest.CaptureFixture[str], folder: Path) -> dict[int, str]:
    """Verdicts of the README's policy by the client's port; 192.0.2.1 is the host it stands on."""
    policy = folder / "pywall.yaml"
    policy.write_text(block("yaml"))
    capsys.readouterr()
    assert main(["replay", "--json", "--config", str(policy), "--local", "192.0.2.1/32", str(capture)]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {event["src_port"]: event["verdict"]["action"] for event in events if event["event_type"] == "flow"}


def test_the_policy_blocks_who_calls_home_from_inside(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    noise = Random(1)
    channel = conversation(client=("192.0.2.1", 40000), server=("198.51.100.7", 443))
    for _ in range(60):
        channel = channel.client(noise.randbytes(1200)).server(noise.randbytes(1200))
    capture = channel.close().pcap(tmp_path / "home.pcap")
    assert verdicts(capture, capsys, tmp_path) == {40000: "drop"}


def test_the_policy_lets_known_protocols_pass(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    frames = []
    for port, server in ((1, ("198.51.100.7", 80)), (2, ("192.0.2.1", 2222)), (3, ("192.0.2.1", 22))):
        inside = ("192.0.2.1", port) if server[0] != "192.0.2.1" else ("198.51.100.9", port)
        talk = conversation(client=inside, server=server)
        if port == 2:
            talk = talk.server(b"SSH-2.0-OpenSSH_9.6\r\n").client(b"SSH-2.0-OpenSSH_9.6\r\n")
        else:
            talk = talk.client(b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n").server(b"HTTP/1.1 204 No Content\r\n\r\n")
        frames += talk.close().frames()
    write_pcap(tmp_path / "known.pcap", frames)
    # HTTP to port 22 is what the README's REJECT is for
    assert verdicts(tmp_path / "known.pcap", capsys, tmp_path) == {1: "accept", 2: "accept", 3: "reject"}


def detector() -> types.ModuleType:
    plugin = types.ModuleType("minecraft")
    exec(block("python"), plugin.__dict__)
    return plugin


HOST = b"mc.example"
HANDSHAKE = b"\0\xfd\x05" + bytes([len(HOST)]) + HOST + b"\x63\xdd\x02"
DIALOGUE = (
    conversation(server=("198.51.100.2", 9))
    .client(bytes([len(HANDSHAKE)]) + HANDSHAKE)
    .client(b"\x01\x00")
    .server(b"\x10\0\x0e{" + b'"version":{}}')
)

TestDetectorContract = detector_contract(
    detector(),
    positives=[DIALOGUE, conversation().client(b"\x07\0\x05\x01a\x63\xdd\x01")],
    negatives=[conversation().client(b"GET / HTTP/1.1\r\n\r\n").server(b"HTTP/1.1 200 OK\r\n\r\n")],
)


def test_the_detector_detects_its_protocol_and_has_20_lines() -> None:
    assert len(block("python").splitlines()) <= 20
    lab = engine({"version": 1, "chains": {}}, plugins={"stream": _stream(), "minecraft": detector()})
    lab.send(DIALOGUE.close())
    (flow,) = lab.close()
    assert flow["app_proto"] == "minecraft"
    assert lab.of_type("minecraft")[0]["minecraft"] == {"host": "mc.example"}


def test_the_detector_waits_for_the_servers_word() -> None:
    detect = detector().pywall_detect
    client = bytes([len(HANDSHAKE)]) + HANDSHAKE
    assert not detect(make_flow(), client, b"").confirmed
    assert detect(make_flow(), client, b"\x10\0\x0e{" + b'"version":{}}').confirmed


def test_it_fits_two_screens() -> None:
    lines = README.splitlines()
    assert len(lines) <= 74
    code = [line for part in README.split("```")[1::2] for line in part.splitlines()]
    assert max(map(len, code)) <= 80


def test_the_picture_is_readable_at_the_width_of_a_code_hosts_page() -> None:
    width = re.search(r'viewBox="0 0 (\d+)', (ROOT / "docs" / "demo.svg").read_text())
    assert width is not None
    size = 20 * 850 / int(width[1])  # rich writes letters of 20 units
    assert size >= 13


def test_the_commands_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`?make ([a-z-]+)", README)) <= targets
    from pywall_core.cli import COMMANDS

    typed = {words for words in re.findall(r"pywall ([a-z]+)", README) if words not in ("in", "to")}
    assert typed <= {*COMMANDS, *(point.name for point in entry_points(group="pywall.commands"))}


def test_the_picture_is_there() -> None:
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).stat().st_size > 1000


def _stream() -> object:
    from importlib.metadata import entry_points

    (point,) = entry_points(group="pywall.plugins", name="stream")
    return point.load()()
