"""The plugins under ``examples/``: installed by pip, tested, found by their entry points, used, and removed."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pywall_core.api import SYN
from pywall_core.testing import tcp_packet, udp_packet, write_pcap

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("port-scan", "dns-tunnel")


@pytest.fixture(scope="module")
def folder(environment: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Copies of the examples, installed."""
    folder = tmp_path_factory.mktemp("examples")
    for name in NAMES:
        shutil.copytree(EXAMPLES / f"pywall-{name}", folder / name)
    environment.install(*(folder / name for name in NAMES))
    yield folder
    environment.pip("uninstall", "-y", *(f"pywall-{name}" for name in NAMES))
    listed = json.loads(environment.run("pywall", "--plugins", "list", "--json").stdout)
    assert not {row["name"] for row in listed["plugins"]} & set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_its_own_tests_pass(environment: Any, folder: Path, name: str) -> None:
    done = environment.run("python", "-m", "pytest", "-q", cwd=folder / name)
    assert re.search(r"^[1-9]\d* passed", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_the_policy_of_its_readme_is_good(environment: Any, folder: Path, name: str) -> None:
    (yaml,) = re.findall(r"```yaml\n(.*?)```", (folder / name / "README.md").read_text(), re.DOTALL)
    (folder / f"{name}.yaml").write_text(yaml)
    environment.run("pywall", "check", folder / f"{name}.yaml")
    shown = environment.run("pywall", "plugins", "show", name, "--json", "--config", folder / f"{name}.yaml")
    assert json.loads(shown.stdout)["options"]


def test_both_raise_the_alarm_in_a_replay(environment: Any, folder: Path) -> None:
    def query(data: str) -> bytes:
        labels = (data, "evil", "example")
        name = b"".join(bytes([len(label)]) + label.encode() for label in labels) + b"\0"
        return b"\1\2\1\0\0\1\0\0\0\0\0\0" + name + b"\0\x10\0\1"

    frames = [
        (1_700_000_000 + port / 100, tcp_packet("192.0.2.9", 40000, "198.51.100.1", port, seq=1, flags=SYN))
        for port in range(1, 60)
    ]
    frames += [
        (1_700_000_010 + n / 10, udp_packet("192.0.2.7", 5000, "192.0.2.53", 53, query(os.urandom(25).hex())))
        for n in range(80)
    ]
    write_pcap(folder / "bad.pcap", frames)
    (folder / "both.yaml").write_text("version: 1\nplugins: [rules, stream, port-scan, dns-tunnel]\n")
    said = environment.run("pywall", "replay", "--json", "--config", folder / "both.yaml", folder / "bad.pcap").stdout
    alerts = [event for event in map(json.loads, said.splitlines()) if event["event_type"] == "alert"]
    assert [alert["src_ip"] for alert in alerts] == ["192.0.2.9", "192.0.2.7"]


@pytest.mark.parametrize("name", NAMES)
def test_it_keeps_its_contract(environment: Any, folder: Path, name: str) -> None:
    assert environment.run("pywall", "plugins", "check", name).stdout.endswith(" 0 broken\n")
