"""``pywall events``: events as lines, chosen, followed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(scope="module")
def eve(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Events of a replay that drops SSH."""
    folder = tmp_path_factory.mktemp("events")
    policy = folder / "p.yaml"
    policy.write_text(
        "version: 1\nplugins: [rules, stream, protocols]\nchains:\n  INPUT:\n"
        "    - {rule: app, is: ssh, action: DROP, name: no SSH here}\n"
    )
    words = [sys.executable, "-m", "pywall_core", "replay", "--json", "--config", str(policy), str(DATA / "mixed.pcap")]
    file = folder / "eve.json"
    file.write_text(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    return file


def lines(pywall, *words: object) -> list[str]:  # type: ignore[no-untyped-def]
    code, out, err = pywall("events", *words)
    assert (code, err) == (0, "")
    return list(out.splitlines())


def test_a_drop_names_its_rule_and_line(pywall, eve: Path) -> None:  # type: ignore[no-untyped-def]
    drops = lines(pywall, "--type", "drop", eve)
    assert drops
    assert all("no SSH here (p.yaml:5)" in line and "->" in line for line in drops)


@pytest.mark.parametrize(
    ("expression", "chosen"),
    [
        ("verdict drop", lambda e: e.get("verdict", {}).get("action") == "drop"),
        ("app ssh", lambda e: "ssh" in (e.get("app_proto"), e.get("app_proto_orig"))),
        ("rule 'no ssh'", lambda e: "no SSH" in e.get("pywall", {}).get("rule_name", "")),
        ("rule INPUT[0]", lambda e: e.get("pywall", {}).get("rule") == "INPUT[0]"),
        ("tcp and not port 22", lambda e: e["proto"] == "TCP" and 22 not in (e["src_port"], e["dest_port"])),
        ("host 192.0.2.1", lambda e: "192.0.2.1" in (e["src_ip"], e["dest_ip"])),
        ("sni *", lambda e: bool(e.get("tls", {}).get("sni") or e.get("quic", {}).get("sni"))),
        ("state established", lambda e: e.get("flow", {}).get("state") == "established"),
    ],
)
def test_chosen_by_the_filter_of_flows(pywall, eve: Path, expression: str, chosen) -> None:  # type: ignore[no-untyped-def]
    events = [json.loads(line) for line in eve.read_text().splitlines()]
    wanted = [event for event in events if event["event_type"] != "stats" and "src_ip" in event and chosen(event)]
    found = [json.loads(line) for line in lines(pywall, "--json", "--filter", expression, eve)]
    assert found == wanted
    if "sni" not in expression:
        assert found


def test_what_cannot_be_read(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    assert pywall("events", tmp_path / "absent").code == 1
    (tmp_path / "x").write_text("nonsense\n")
    assert "not an EVE event" in pywall("events", tmp_path / "x").err
    assert pywall("events", "--filter", "verdict maybe", tmp_path / "x").code == 2


def test_a_file_is_followed_and_its_successor_too(tmp_path: Path, eve: Path) -> None:
    drop = next(line for line in eve.read_text().splitlines() if '"event_type":"drop"' in line.replace(" ", ""))
    file = tmp_path / "eve.json"
    file.write_text(drop + "\n")
    words = [sys.executable, "-m", "pywall_core", "events", "--follow", str(file)]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        try:
            _until_open(child.pid, file)
            with file.open("a") as more:
                more.write(drop.replace("192.0.2.1", "192.0.2.77") + "\n")
            assert "192.0.2.77" in child.stdout.readline()
            file.rename(tmp_path / "eve.json.1")
            file.write_text(drop.replace("192.0.2.1", "192.0.2.88") + "\n")
            assert "192.0.2.88" in child.stdout.readline()
        finally:
            child.kill()


def _until_open(pid: int, file: Path) -> None:
    """Wait until the process has the file open, at its end."""
    while True:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            try:
                if os.readlink(entry) == str(file):
                    text = Path(f"/proc/{pid}/fdinfo/{entry.name}").read_text()
                    if text.split()[1] != "0":
                        return
            except OSError:
                continue
