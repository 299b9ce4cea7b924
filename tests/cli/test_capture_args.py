"""Arguments of the commands that read captures."""

from __future__ import annotations

import argparse
from ipaddress import ip_network
from pathlib import Path

import pytest

from pywall_core.cli.capture_args import add_hooks, found_captures, make_hooks, network
from pywall_core.model.packet import FORWARD, INPUT, OUTPUT
from pywall_core.testing import conversation, engine

DATA = Path(__file__).parents[1] / "data"


def arguments(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    add_hooks(parser)
    return parser.parse_args(words)


def test_a_network_may_have_host_bits() -> None:
    assert network("10.0.0.1/8") == ip_network("10.0.0.0/8")
    with pytest.raises(argparse.ArgumentTypeError, match=r"10\.0\.0/8"):
        network("10.0.0/8")


def test_which_hook_a_packet_counts_for() -> None:
    talk = conversation("udp", ("10.0.0.1", 4000), ("192.0.2.9", 53))
    packets = talk.client(b"x").server(b"y").packets()
    firewall = engine({}).engine

    def hooks_by(*words: str) -> list[int]:
        return list(map(make_hooks(arguments(*words)).chooser(firewall), packets))

    assert hooks_by("--local", "10.0.0.0/8") == [OUTPUT, INPUT]
    assert hooks_by("--local", "172.16.0.0/12") == [FORWARD, FORWARD]
    assert hooks_by("--local", "172.16.0.0/12", "--local", "192.0.2.9") == [INPUT, OUTPUT]
    assert hooks_by("--hook", "FORWARD", "--local", "10.0.0.0/8") == [FORWARD, FORWARD]


def test_a_folder_gives_its_captures_and_one_without_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert str(DATA / "mixed.pcap") in found_captures([str(DATA)])
    assert found_captures([str(tmp_path), str(tmp_path / "*.pcap")]) == []
    below, pattern = capsys.readouterr().err.splitlines()
    assert below == f"{tmp_path}: no captures below (names such as x.pcap, x.pcapng.gz)"
    assert pattern.endswith("no file matches")
