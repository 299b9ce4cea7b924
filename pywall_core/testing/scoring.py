"""Score of one detector over captures: what it finds, what it takes for its own, what a call costs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter_ns

from ..detection.detectors import Detector
from ..model.verdict import NO, Match
from .arrivals import Asked
from .captures import conversations_in
from .dialogues import Conversation


@dataclass
class Score:
    """Counts over all conversations. ``own`` are those with the port that was named, ``found`` those of them that the
    detector matched; ``alarms`` are the others that it matched, as text. Times are in nanoseconds."""

    conversations: int = 0
    own: int = 0
    found: int = 0
    confirmed: int = 0
    alarms: list[str] = field(default_factory=list)
    calls: int = 0
    time: int = 0
    longest: int = 0

    @property
    def recall(self) -> float | None:
        """Part of the own conversations that was found, 0 to 1; None where there are none."""
        return self.found / self.own if self.own else None

    @property
    def mean(self) -> float:
        """Microseconds of a call."""
        return self.time / self.calls / 1000 if self.calls else 0.0


def score_detector(detector: Detector, captures: Iterable[Path | str], port: int | None = None) -> Score:
    """Ask ``detector`` about each TCP or UDP conversation of the captures that its declarations admit, turn by turn.

    ``port`` tells which ones are the protocol's own; without it all that are matched count as found. Raises
    CaptureError where a file cannot be read.
    """
    score = Score()
    for capture in captures:
        own = set(_keys(conversations_in(capture, port=port))) if port else set()
        for number, dialogue in enumerate(conversations_in(capture), 1):
            if dialogue.transport not in detector.transports:
                continue
            score.conversations += 1
            mine = tuple(dialogue.turns()) in own
            score.own += mine
            match = _ask(detector, dialogue, score)
            if match is None:
                continue
            score.confirmed += match.confirmed
            if mine or port is None:
                score.found += 1
            else:
                score.alarms.append(f"{capture}: conversation {number} over {dialogue.transport} is {match.protocol}")
    return score


def _keys(conversations: list[Conversation]) -> list[tuple[tuple[bool, bytes], ...]]:
    return [tuple(dialogue.turns()) for dialogue in conversations]


def _ask(detector: Detector, dialogue: Conversation, score: Score) -> Match | None:
    def timed(flow, client, server):  # type: ignore[no-untyped-def]
        begin = perf_counter_ns()
        answer = detector.call(flow, client, server)
        spent = perf_counter_ns() - begin
        score.calls += 1
        score.time += spent
        score.longest = max(score.longest, spent)
        return answer

    asked = Asked(timed, dialogue.transport)
    firsts = {True: detector.first_client, False: detector.first_server}
    begun: set[bool] = set()
    for to_server, data in dialogue.turns():
        first = firsts[to_server]
        if to_server not in begun and first is not None and data[0] not in first:
            return None
        begun.add(to_server)
        if asked.give(to_server, data) is NO:
            return None
    return asked.answer if isinstance(asked.answer, Match) else None
