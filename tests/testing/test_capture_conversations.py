"""Conversations from captures: put in order, with their transport and sides, and as positives of a contract."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pywall_core.api import MORE, NO, Answer, Match
from pywall_core.testing import conversation, conversations_in, detector_contract, write_pcap

ASKED, TOLD = b"TEMP kitchen\n", b"21.5\n"
TALK = conversation(server=("198.51.100.2", 7000)).client(ASKED).server(TOLD)
BEACON = conversation("udp", server=("198.51.100.2", 7001)).client(b"here").client(b"still here")


def test_turns_come_back(tmp_path: Path) -> None:
    path = tmp_path / "talk.pcap"
    write_pcap(path, TALK.frames() + BEACON.frames())
    talk, beacon = conversations_in(path)
    assert (talk.transport, talk.turns()) == ("tcp", TALK.turns())
    assert (beacon.transport, beacon.turns()) == ("udp", BEACON.turns())
    assert [said.transport for said in conversations_in(path, port=7001)] == ["udp"]


def test_segments_are_put_in_order_and_copies_left_out(tmp_path: Path) -> None:
    path = tmp_path / "talk.pcap"
    TALK.split(4).reorder().duplicate().pcap(path)
    (talk,) = conversations_in(path)
    for side, said in ((True, ASKED), (False, TOLD)):
        assert b"".join(data for to_server, data in talk.turns() if to_server is side) == said


def detect(flow: Any, client: bytes, server: bytes) -> Match | Answer:
    if not client.endswith(b"\n"):
        return MORE if b"TEMP kitchen\n".startswith(client) else NO
    if client != ASKED or (server and not TOLD.startswith(server)):
        return NO
    return Match("thermometer", {"room": "kitchen"}) if server == TOLD else MORE


Suite = detector_contract(detect, [], facts=[(TALK, {"room": "kitchen"})], others=[TALK], transport="tcp")
WRONG = detector_contract(detect, [], facts=[(TALK, {"room": "cellar"})], others=[TALK], transport="tcp")


def test_expected_facts_hold() -> None:
    Suite().test_a_match_has_the_expected_facts()


def test_other_facts_break_the_contract() -> None:
    with pytest.raises(AssertionError):
        WRONG().test_a_match_has_the_expected_facts()


def test_a_detector_that_reads_everything_again_breaks_the_contract() -> None:
    def slow(flow: Any, client: bytes, server: bytes) -> Match | Answer:
        seen = 0
        for byte in client:
            seen += byte
        return MORE if seen >= 0 else NO

    suite = detector_contract(slow, [(b"abc", b"")], transport="tcp")
    with pytest.raises(AssertionError, match="lines for one more byte"):
        suite().test_work_is_bounded_over_a_stream_of_single_bytes()
