"""``pywall replay --against``: the flows that another policy would decide otherwise."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.cli import main

from .conftest import read_events

DATA = Path(__file__).parents[1] / "data"


def test_against_another_policy(ssh_policy: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(DATA / "mixed.pcap")
    assert main(["replay", "--against", ssh_policy, path]) == 0
    out = capsys.readouterr().out
    assert out.endswith("1 of 5 flows change their verdict\n")
    assert "accept -> drop" in out
    assert "app is=ssh (policy.yaml:" in out
    assert main(["replay", "--json", "--config", ssh_policy, "--against", ssh_policy, path]) == 0
    assert capsys.readouterr().out == ""
    assert main(["replay", "--json", "--against", ssh_policy, path]) == 0
    (event,) = read_events(capsys.readouterr().out)
    assert (event["app_proto"], event["verdict"]["action"]) == ("ssh", "accept")
    against = event["pywall"]["against"]
    assert (against["action"], against["rule"], against["config"]) == ("drop", "INPUT[0]", ssh_policy)
