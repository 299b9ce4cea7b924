"""What is asked of captures: flows that are chosen, everywhere alike; and captures that go on from one to the next."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pywall_core.cli import main
from pywall_core.sources.pcap import read
from pywall_core.testing import conversation, write_pcap

POLICY = """\
version: 1
plugins: [rules, stream, protocols]
chains:
  INPUT:
    - {rule: limit, over: 1/h, burst: 2, action: DROP}
    - {rule: app, is: ssh, action: DROP}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    return path


def talk(port: int, host: str = "192.0.2.1") -> list[tuple[float, bytes]]:
    one = conversation(client=(host, port), server=("198.51.100.2", 22)).server(b"SSH-2.0-a\r\n")
    return one.client(b"SSH-2.0-b\r\n").client(b"more").client(b"again").frames()


def test_rows_and_dropped_packets_are_those_of_the_chosen_flows(tmp_path: Path, policy: Path) -> None:
    capture = tmp_path / "c.pcap"
    write_pcap(capture, talk(4000) + talk(4001, "192.0.2.2"))
    for words, host in ((["--filter", "host 192.0.2.2"], "192.0.2.2"), (["--flow", "1"], "192.0.2.1")):
        rows, dropped = tmp_path / "rows.jsonl", tmp_path / "dropped.pcapng"
        files = ["--output", str(rows), "--write-dropped", str(dropped)]
        assert main(["replay", "--config", str(policy), *words, *files, str(capture)]) == 0
        assert [json.loads(line)["src_ip"] for line in rows.read_text().splitlines()] == [host]
        sources = {data[12:16] for _, _, data, _ in read(dropped) if data is not None}
        assert sources == {bytes(map(int, host.split(".")))}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_captures_that_are_one_go_on(
    tmp_path: Path, policy: Path, capsys: pytest.CaptureFixture[str], workers: str
) -> None:
    """A flow across the cut is one, and what a limit counted before the cut counts after it."""
    frames = [*talk(4000), *talk(4001), *talk(4002)]
    captures = []
    for name, part in (("1", frames[:4]), ("2", frames[4:9]), ("3", frames[9:])):
        write_pcap(tmp_path / f"{name}.pcap", part)
        captures.append(str(tmp_path / f"{name}.pcap"))
    shown = {}
    for words in ([], ["--continue"]):
        assert main(["replay", "--json", "--workers", workers, "--config", str(policy), *words, *captures]) == 0
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        shown[bool(words)] = [event for event in events if event["event_type"] == "flow"]
    assert len(shown[True]) == 3
    assert len(shown[False]) > 3
    assert [flow["pywall"]["rule"] for flow in shown[True]] == ["INPUT[1]", "INPUT[1]", "INPUT[0]"]
    assert {flow["pcap_filename"] for flow in shown[True]} == {captures[2]}, "where the flow ended"


@pytest.mark.parametrize("command", ["replay", "explain"])
def test_a_filter_asks_the_sets_of_the_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str) -> None:
    capture, policy = tmp_path / "c.pcap", tmp_path / "policy.yaml"
    write_pcap(capture, talk(4000) + talk(4001, "192.0.2.2"))
    (tmp_path / "blocked.txt").write_text("192.0.2.2\n")
    policy.write_text(
        f"version: 1\nplugins: [rules]\nsets: {{blocked: {{type: addresses, file: {tmp_path}/blocked.txt}}}}\n"
    )
    words = [command, "--config", str(policy), "--json", str(capture), "--filter"]
    assert main([*words, "src set blocked"]) == 0
    shown = capsys.readouterr().out
    assert "192.0.2.2" in shown
    assert "192.0.2.1" not in shown
    assert main([*words, "set blokked"]) == 2
    assert "there is no set 'blokked' (there are: blocked)" in capsys.readouterr().err
