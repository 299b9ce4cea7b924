"""The score of one detector over captures: what counts as its own, as found, as a false alarm."""

from __future__ import annotations

from pathlib import Path

import pytest

from pywall_core.api import MORE, NO, Answer, Flow, Match
from pywall_core.detection.detectors import Detector
from pywall_core.testing import conversation, write_pcap
from pywall_core.testing.scoring import Score, score_detector

HELLO = conversation(server=("198.51.100.2", 7000)).client(b"HELLO\n").server(b"WELCOME\n")
SILENT = conversation("tcp", ("192.0.2.1", 40001), ("198.51.100.2", 7000)).client(b"HEL")
ELSEWHERE = conversation("tcp", ("192.0.2.1", 40002), ("198.51.100.2", 80)).client(b"HELLO\n").server(b"GO AWAY\n")
DATAGRAM = conversation("udp", ("192.0.2.1", 40003), ("198.51.100.2", 7000)).client(b"HELLO\n")


def detect(flow: Flow, client: bytes, server: bytes) -> Match | Answer:
    if not client.startswith(b"HELLO\n"):
        return MORE if b"HELLO\n".startswith(client) else NO
    return Match("hello", confirmed=server.startswith(b"WELCOME"), done=bool(server))


def score(tmp_path: Path, port: int | None = None, **declared: object) -> Score:
    path = tmp_path / "talks.pcap"
    write_pcap(path, [frame for talk in (HELLO, SILENT, ELSEWHERE, DATAGRAM) for frame in talk.frames()])
    detector = Detector("hello", detect, ("tcp",), ("hello",), **declared)  # type: ignore[arg-type]
    return score_detector(detector, [path], port)


def test_the_port_tells_which_conversations_are_its_own(tmp_path: Path) -> None:
    found = score(tmp_path, 7000)
    assert (found.conversations, found.own, found.found, found.confirmed) == (3, 2, 1, 1)
    assert found.recall == 0.5
    assert found.alarms == [f"{tmp_path / 'talks.pcap'}: conversation 3 over tcp is hello"]


def test_without_a_port_all_that_it_matches_counts_as_found(tmp_path: Path) -> None:
    found = score(tmp_path)
    assert (found.own, found.found, found.alarms, found.recall) == (0, 2, [], None)


def test_a_call_that_the_first_byte_spares_is_not_counted(tmp_path: Path) -> None:
    assert score(tmp_path, first_client=b"X").calls == 0
    found = score(tmp_path)
    assert found.calls > 0
    assert found.time >= found.longest > 0
    assert found.mean == pytest.approx(found.time / found.calls / 1000)
