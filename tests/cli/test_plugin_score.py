"""``pywall plugins score``: recall, false alarms and cost of a detector over captures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pywall_core.cli import main
from pywall_core.testing import conversation, write_pcap

pytest.importorskip("pywall_protocols")

WEB = conversation(server=("198.51.100.2", 80)).client(b"GET / HTTP/1.1\r\n\r\n").server(b"HTTP/1.1 200 OK\r\n\r\n")
ODD = conversation(client=("192.0.2.1", 40001), server=("198.51.100.2", 81)).client(b"GET /x HTTP/1.1\r\n\r\n")
TEXT = conversation(client=("192.0.2.1", 40002), server=("198.51.100.2", 80)).client(b"hello there\r\n")


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    path = tmp_path / "talk.pcap"
    write_pcap(path, [frame for said in (WEB, ODD, TEXT) for frame in said.frames()])
    return path


def score(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main(["plugins", "score", *words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def test_recall_and_false_alarms_by_port(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = score(capsys, "http", str(capture), "--port", "80")
    assert (found["conversations"], found["own"], found["found"], found["confirmed"]) == (3, 2, 1, 1)
    assert found["recall"] == 0.5
    assert found["alarms"] == [f"{capture}: conversation 2 over tcp is http"]
    assert found["calls"] >= 3  # type: ignore[operator]


def test_without_a_port_everything_that_matches_is_found(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = score(capsys, "http", str(capture))
    assert (found["found"], found["recall"], found["alarms"]) == (2, None, [])


def test_the_text_for_people(capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "score", "http", str(capture), "--port", "80"]) == 0
    out = capsys.readouterr().out
    assert "found          1 (recall 0.500)" in out
    assert "us a call" in out


@pytest.mark.parametrize(("name", "words"), [("htpp", "did you mean 'http'?"), ("stream", "is not a detector")])
def test_what_is_no_detector_is_said(name: str, words: str, capture: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "score", name, str(capture)]) == 4
    assert words in capsys.readouterr().err


def test_a_capture_that_cannot_be_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins", "score", "http", str(tmp_path / "none.pcap")]) != 0
    assert "none.pcap" in capsys.readouterr().err
