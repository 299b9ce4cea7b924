"""The contract of detectors as a test class: one import gives a plugin the whole suite.

``TestSsh = detector_contract(Ssh(), positives=[conversation().server(b"SSH-2.0-x\\r\\n").client(b"SSH-2.0-y\\r\\n")])``
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from random import Random
from time import thread_time
from typing import Any

from ..model.verdict import MORE, NO, Answer, Match
from .arrivals import BUDGET, Asked, Dialogue, ask_once, cut_again, first_turns, is_final, most_lines_run, turns_of
from .cuts import Asked as AskedOnce
from .cuts import Detect, Turns, continued, neighbours, stays
from .dialogues import Conversation

#: most characters of a match's facts, written as JSON
MAX_FACTS = 65536
#: most CPU seconds of one call over a full budget; generous, since it is to find what grows without bound
MAX_SECONDS = 0.25
#: most lines of Python that a detector runs when one more byte of a stream comes, however much came before: a call that
#: goes through all of it again, field by field, makes the work over a budget grow with its square
MAX_LINES_A_CALL = 1000


def detector_contract(  # noqa: C901 - a class of tests, each a few lines
    detector: Any,
    positives: Sequence[Dialogue],
    negatives: Sequence[Dialogue] = (),
    *,
    others: Sequence[Dialogue] = (),
    facts: Sequence[tuple[Dialogue, dict[str, Any]]] = (),
    transport: str | None = None,
    examples: int = 60,
) -> type:
    """Make a test class that holds ``detector`` to the contract of ``pywall_detect``.

    ``detector`` is a plugin (module or instance with ``pywall_detect``) or the bare function. ``positives`` and
    ``negatives`` are dialogues that it must and must not detect, ``others`` such as it may: conversations, or pairs
    of the client's and the server's bytes; :func:`conversations_in` takes them from a capture. ``facts`` are positives
    with the facts that their match must have. ``transport`` ("tcp" or "udp") is, unless given, that of the first
    conversation among the positives, else the detector's. Assign the result to a name that begins with ``Test``. Needs
    hypothesis; ``examples`` is how many inputs each property is tried on.
    """
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    detect: Detect = getattr(detector, "pywall_detect", detector)
    carrier = transport or _transport(detector, positives)
    good = [turns_of(dialogue) for dialogue in [*positives, *(dialogue for dialogue, _ in facts)]]
    bad = [turns_of(dialogue) for dialogue in negatives]
    every = [*good, *bad, *(turns_of(dialogue) for dialogue in others)]
    if not good and not others:
        raise ValueError("a detector is tried on at least one positive")
    tried = settings(
        max_examples=examples, deadline=None, report_multiple_bugs=False, suppress_health_check=[*HealthCheck]
    )

    def ask(turns: Iterable[tuple[bool, bytes]]) -> Match | Answer:
        asked = Asked(detect, carrier)
        for to_server, data in turns:
            asked.give(to_server, data)
        return asked.answer

    @st.composite
    def arrivals(draw: Any, dialogues: list[Turns]) -> tuple[Turns, Turns]:
        """Return a dialogue, and the same bytes cut and interleaved in another way (datagrams stay whole)."""
        turns = draw(st.sampled_from(dialogues))
        client, server = ([data for to_server, data in turns if to_server is side] for side in (True, False))
        sides = [cut_again(draw, st, client, carrier), cut_again(draw, st, server, carrier)]
        mixed: Turns = []
        while sides[0] or sides[1]:
            to_server = bool(sides[0]) and (not sides[1] or draw(st.booleans()))
            mixed.append((to_server, sides[0 if to_server else 1].pop(0)))
        return turns, mixed

    @st.composite
    def mutations(draw: Any) -> Turns:
        """Return bytes of a dialogue with bytes changed, taken out, put in, or the end cut off."""
        turns = [(side, bytearray(data)) for side, data in draw(st.sampled_from(good + bad or every))]
        for _ in range(draw(st.integers(0, 8))):
            _, data = draw(st.sampled_from(turns))
            at = draw(st.integers(0, len(data)))
            how = draw(st.sampled_from(("set", "insert", "delete", "cut")))
            if how == "set" and at < len(data):
                data[at] = draw(st.integers(0, 255))
            elif how == "insert":
                data[at:at] = draw(st.binary(max_size=16))
            elif how == "delete":
                del data[at : at + draw(st.integers(1, 16))]
            elif how == "cut":
                del data[at:]
        return [(side, bytes(data)) for side, data in turns if data]

    speaks_first = getattr(detector, "speaks_first", None)
    waits = speaks_first == "server"
    openings = [turns[:count] for turns in good for count in range(1, first_turns(turns) + 1)]
    # sizes below which chance alone makes messages of the simplest protocols are left out
    noise_shape = st.lists(st.tuples(st.booleans(), st.integers(24, 600)), min_size=1, max_size=6)
    noise = st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=600)), max_size=6)

    class DetectorContract:
        def test_detects_every_positive(self) -> None:
            for turns in good:
                answer = ask(turns)
                assert isinstance(answer, Match), f"{answer} for {turns!r:.200}"
                names = getattr(detector, "protocols", None)
                assert names is None or answer.protocol in names, f"{answer.protocol} is not among protocols = {names}"

        def test_a_match_has_the_expected_facts(self) -> None:
            for dialogue, expected in facts:
                answer = ask(turns_of(dialogue))
                assert isinstance(answer, Match), f"{answer} for {turns_of(dialogue)!r:.200}"
                assert answer.facts == expected

        def test_work_is_bounded_over_a_stream_of_single_bytes(self) -> None:
            for turns in good if carrier == "tcp" else ():
                for side in (True, False):
                    sent = b"".join(data for to_server, data in turns if to_server is side)
                    ran = most_lines_run(detect, side, sent) if sent else 0
                    assert ran <= MAX_LINES_A_CALL, f"{ran} lines for one more byte of {sent!r:.200}, repeated"

        def test_detects_no_negative(self) -> None:
            for turns in bad:
                assert not isinstance(ask(turns), Match), f"{turns!r:.200}"

        def test_declared_first_bytes_hold(self) -> None:
            for turns in good:
                for name, side in (("first_client", True), ("first_server", False)):
                    firsts = getattr(detector, name, None)
                    sent = b"".join(data for to_server, data in turns if to_server is side)
                    assert firsts is None or not sent or sent[0] in firsts, f"{name} misses {sent[:1]!r}"

        def test_every_cut_gives_the_same_answer(self) -> None:
            for turns in every:
                whole = ask(turns)
                for one, other in neighbours(detect, turns, carrier):
                    if one.answer is NO and (speaks_first or (one.state.is_one_sided and whole is NO)):
                        continue  # it may come before it was the other side's turn
                    assert stays(one.answer, other.answer), _changed(one, other, turns)
                    if is_final(one.answer):
                        assert one.answer == whole, f"at {one.state} {_different_answers(one.answer, whole)}"

        def test_no_and_match_stay_with_what_does_not_belong_there(self) -> None:
            for turns in every:
                for one, other in continued(detect, turns, carrier):
                    if one.answer is NO:  # what a side would have said is not asked any more; it proves nothing
                        late = other.answer
                        assert not (isinstance(late, Match) and late.confirmed), _changed(one, other, turns)
                        continue
                    assert stays(one.answer, other.answer), _changed(one, other, turns)

        @tried
        @given(arrivals(every))
        def test_answer_does_not_depend_on_chunks_and_order(self, both: tuple[Turns, Turns]) -> None:
            turns, mixed = both
            one, other = ask(turns), ask(mixed)
            said_early = speaks_first is not None and NO in (one, other)  # before it was the other side's turn
            assert other == one or said_early, _different_answers(one, other)

        @tried
        @given(arrivals(every), noise)
        def test_no_and_match_stay_with_more_bytes(self, both: tuple[Turns, Turns], more: Turns) -> None:
            shown: Turns = []
            settled: Match | Answer = MORE
            for turn in both[1] + more:
                shown.append(turn)
                fresh = ask_once(detect, carrier, shown)
                if waits and all(to_server for to_server, _ in shown):
                    continue  # NO to such a client is for good: what the server would have said is not asked any more
                if settled is NO and speaks_first == "client":
                    break  # for good as well: what is missing of the opening is not asked any more
                if settled is NO:
                    assert fresh is NO, f"NO became {fresh}"
                elif isinstance(settled, Match):
                    assert isinstance(fresh, Match), f"{settled} became {fresh}"
                    assert fresh.protocol == settled.protocol
                settled = fresh

        @tried
        @given(st.sampled_from(openings or [[]]), st.integers(0, 2**32), noise_shape)
        def test_an_opening_followed_by_noise_is_never_confirmed(
            self, opening: Turns, seed: int, shape: list[tuple[bool, int]]
        ) -> None:
            random = Random(seed)
            answer = ask([*opening, *((side, random.randbytes(size)) for side, size in shape)])
            assert not (isinstance(answer, Match) and answer.confirmed), f"{opening!r:.200} and noise are {answer}"

        @tried
        @given(arrivals(every), arrivals(every))
        def test_flows_share_no_state(self, one: tuple[Turns, Turns], two: tuple[Turns, Turns]) -> None:
            flows = [Asked(detect, carrier), Asked(detect, carrier)]
            queues = [list(one[1]), list(two[1])]
            while queues[0] or queues[1]:
                for asked, queue in zip(flows, queues, strict=True):
                    if queue:
                        asked.give(*queue.pop(0))
            assert flows[0].answer == ask(one[1])
            assert flows[1].answer == ask(two[1])

        @tried
        @given(st.one_of(mutations(), noise))
        def test_any_input_is_answered_and_bounded(self, turns: Turns) -> None:
            asked = Asked(detect, carrier)
            for turn in turns:
                _check(asked.give(*turn))
            full = Asked(detect, carrier)
            for side in (True, False):
                sent = b"".join(data for to_server, data in turns if to_server is side)
                if sent:
                    before = thread_time()
                    _check(full.give(side, (sent * (BUDGET // len(sent) + 1))[:BUDGET]))
                    spent = thread_time() - before
                    assert spent < MAX_SECONDS, f"one call took {spent:.3f} s of CPU time"

    return DetectorContract


def _changed(one: AskedOnce, other: AskedOnce, turns: Turns) -> str:
    """Say what an answer became with more bytes."""
    return f"{one.answer}\n  at {one.state} became {other.answer}\n  at {other.state} of {turns!r:.200}"


def _different_answers(one: Match | Answer, other: Match | Answer) -> str:
    """Say what depends on how the bytes arrive, and what to write instead."""
    text = f"the answer depends on how the bytes arrive.\n  as given:   {one}\n  otherwise:  {other}\n"
    if not isinstance(one, Match) or not isinstance(other, Match):
        return text + "Return NO or Match only when no byte that may still come can change it, MORE until then."
    if one.confirmed != other.confirmed:
        return text + (
            "`confirmed` must follow from the bytes alone and stay once it is true. A Match is "
            "asked again until it is both done and confirmed."
        )
    return text + (
        "The facts were not complete when a Match was returned as done. Return done=False until they are, such as "
        'done=b"\\n" in server, or leave out the fact that came later.'
    )


def _transport(detector: Any, positives: Sequence[Dialogue]) -> str:
    for dialogue in positives:
        if isinstance(dialogue, Conversation):
            return dialogue.transport
    declared = getattr(detector, "transport", None) or "tcp"
    return declared if isinstance(declared, str) else str(declared[0])


def _check(answer: object) -> None:
    assert isinstance(answer, Match) or answer in (MORE, NO), f"{answer!r} is neither Match, MORE nor NO"
    if isinstance(answer, Match):
        assert answer.protocol == answer.protocol.lower()
        assert all(isinstance(name, str) for name in answer.facts)
        size = len(json.dumps(answer.facts))
        assert size <= MAX_FACTS, f"{size} characters of facts"
