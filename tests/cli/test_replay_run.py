"""How a replay runs: what does not go together, and streams."""

from __future__ import annotations

import io
import sys
from pathlib import Path

import pytest

from pywall_core.cli import main

DATA = Path(__file__).parents[1] / "data"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--engine", "dask", "-"], "standard input cannot be sent to a cluster"),
        (["-", "-"], "- is given more than once"),
        (["--statistics", "3", "a.pcap"], "--statistics needs --output FILE"),
        (["--scheduler", "tcp://h:1", "a.pcap"], "--scheduler needs --engine dask"),
    ],
)
def test_what_does_not_go_together_is_said(words: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["replay", *words]) == 2
    assert says in capsys.readouterr().err


def test_flows_of_a_stream_are_counted(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["replay", str(DATA / "mixed.pcap")]) == 0
    counted = capsys.readouterr().out.splitlines()[-1]
    with (DATA / "mixed.pcap").open("rb") as file:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(file))
        assert main(["replay", "-"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == counted
