"""What the README shows is true: its policy is good, its detector works, its commands exist."""

from __future__ import annotations

import re
import types
from pathlib import Path

from pywall_core.config import bind_chains, loads
from pywall_core.plugins.loader import load
from pywall_core.testing import conversation, engine

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


def test_the_detector_recognises_its_protocol_and_has_25_lines() -> None:
    source = block("python")
    assert len(source.splitlines()) <= 25
    plugin = types.ModuleType("minecraft")
    exec(source, plugin.__dict__)
    name = b"mc.example"
    body = b"\0\xfd\x05" + bytes([len(name)]) + name + b"\x63\xdd\x02"
    configuration = {"version": 1, "chains": {}}
    lab = engine(configuration, plugins={"stream": _stream(), "minecraft": plugin})
    lab.send(conversation(server=("198.51.100.2", 9)).client(bytes([len(body)]) + body).server(b"\x10\0\x0e").close())
    (flow,) = lab.close()
    assert flow["app_proto"] == "minecraft"
    assert lab.of_type("minecraft")[0]["minecraft"] == {"host": "mc.example", "version": 765}


def test_the_commands_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"`?make ([a-z-]+)", README)) <= targets
    from pywall_core.cli import COMMANDS

    typed = {words for words in re.findall(r"pywall ([a-z]+)", README) if words not in ("in", "to")}
    assert typed <= set(COMMANDS)


def test_the_picture_is_there() -> None:
    for picture in re.findall(r"!\[.*?\]\((.*?)\)", README):
        assert (ROOT / picture).stat().st_size > 1000


def _stream() -> object:
    from importlib.metadata import entry_points

    (point,) = entry_points(group="pywall.plugins", name="stream")
    return point.load()()
