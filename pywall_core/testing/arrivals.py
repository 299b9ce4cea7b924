"""Dialogues as they arrive at a detector: whole, in single bytes, or cut and interleaved in another way."""

from __future__ import annotations

import sys
from itertools import pairwise
from typing import Any

from ..model.packet import TCP, UDP
from ..model.verdict import MORE, NO, Answer, Match
from .cuts import Detect, Turns
from .dialogues import Conversation
from .flows import make_flow

#: bytes of one direction that the core shows to detectors by default (``detection.bytes``)
BUDGET = 16384
#: bytes before and after which single bytes are given, and how many
_CHECKPOINTS = (256, 1024, 4096, BUDGET - 64)
_SINGLE_BYTES = 48

Dialogue = Conversation | tuple[bytes, bytes]


class Asked:
    """A flow that a detector is asked about as bytes arrive, as the core does it."""

    def __init__(self, detect: Detect, transport: str) -> None:
        self.detect = detect
        self.flow = make_flow(proto=UDP if transport == "udp" else TCP)
        self.answer: Match | Answer = MORE

    def give(self, to_server: bool, data: bytes) -> Match | Answer:
        """Append to one direction and ask, unless the answer is final."""
        flow, state = self.flow, self.flow.detection
        if to_server:
            room = BUDGET - len(state.client)
            state.client += data[:room]
            state.client_sizes += (len(data[:room]),)
            flow.pkts_toserver += 1
        else:
            room = BUDGET - len(state.server)
            state.server += data[:room]
            state.server_sizes += (len(data[:room]),)
            flow.pkts_toclient += 1
        state.payload_seen = True
        if not is_final(self.answer):
            self.answer = described(self.detect(flow, state.client, state.server))
        return self.answer


def is_final(answer: Match | Answer) -> bool:
    """Return whether the core asks no more: after NO, and after a Match that is done and confirmed or hands the flow
    over.
    """
    if isinstance(answer, Match):
        return answer.done and (answer.confirmed or answer.restart is not None)
    return answer is NO


def most_lines_run(detect: Detect, to_server: bool, sent: bytes) -> int:
    """Return the most lines of Python that a detector runs for a single byte while one side repeats itself up to the
    budget. Compiled detectors have no lines to count."""
    most = ran = 0

    def count(frame: Any, event: str, _: Any) -> Any:
        nonlocal ran
        ran += event == "line"
        return count

    asked = Asked(detect, "tcp")
    stream = (sent * (BUDGET // len(sent) + 1))[:BUDGET]
    at = 0
    for checkpoint in _CHECKPOINTS:
        asked.give(to_server, stream[at:checkpoint])
        at = checkpoint + _SINGLE_BYTES
        for byte in stream[checkpoint:at]:
            before, ran = sys.gettrace(), 0
            sys.settrace(count)
            try:
                answer = asked.give(to_server, bytes([byte]))
            finally:
                sys.settrace(before)
            if is_final(answer):
                return most
            most = max(most, ran)
    return most


def first_turns(turns: Turns) -> int:
    """Return how many turns one side has before the other one says anything: the opening of a dialogue."""
    return next((count for count, (side, _) in enumerate(turns) if side is not turns[0][0]), len(turns))


def turns_of(dialogue: Dialogue) -> Turns:
    if isinstance(dialogue, Conversation):
        return dialogue.turns()
    client, server = dialogue
    return [turn for turn in ((True, client), (False, server)) if turn[1]]


def cut_again(draw: Any, st: Any, sent: list[bytes], transport: str) -> list[bytes]:
    """Return one direction's bytes in new pieces; datagrams as they are."""
    if transport == "udp":
        return list(sent)
    joined = b"".join(sent)
    if not joined:
        return []
    cuts = draw(st.lists(st.integers(0, len(joined)), max_size=8))
    near = draw(st.lists(st.integers(0, min(len(joined), 64)), max_size=8))
    edges = sorted({0, len(joined), *cuts, *near})
    return [joined[a:b] for a, b in pairwise(edges)]


def ask_once(detect: Detect, transport: str, turns: Turns) -> Match | Answer:
    """Return the answer of a flow on which all of this arrived before the detector was asked the first time."""
    asked = Asked(detect, transport)
    asked.answer = NO
    for turn in turns:
        asked.give(*turn)
    return described(detect(asked.flow, asked.flow.client, asked.flow.server))


def described(answer: Match | Answer) -> Match | Answer:
    """Return a match with the facts that the core would ask it for."""
    return answer.described() if isinstance(answer, Match) else answer
