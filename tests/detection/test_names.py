"""A rule waits only for detectors that may give a name which it asks for."""

from __future__ import annotations

from collections import Counter
from logging import getLogger
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pywall_rules import plugin as rules
from pywall_stream.plugin import Stream

from pywall_core.api import MORE, NO, Answer, Flow, Match, Packet, Verdict, decode, hookimpl
from pywall_core.calls.guard import Guard
from pywall_core.calls.quarantine import Failures
from pywall_core.config import Config
from pywall_core.detection.detection import Detection
from pywall_core.detection.detectors import Detector, Detectors
from pywall_core.detection.names import Names
from pywall_core.engine.engine import Engine
from pywall_core.explain.trace import walk_with_notes
from pywall_core.plugins.loader import assemble
from pywall_core.testing import make_flow, udp_packet

WORDS = {"alpha": b"HELLO", "beta": b"HELP!", "gamma": b"HOLD?"}


class Word:
    """Detects a protocol by its first word."""

    transport = "udp"
    api_version = 1

    def __init__(self, protocol: str, *, confirmed: bool = True) -> None:
        self.protocols = (protocol,)
        self._word = WORDS[protocol]
        self._confirmed = confirmed

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        if client.startswith(self._word):
            facts = {"word": client.decode("latin-1")}
            return Match(self.protocols[0], facts, self._confirmed, self._confirmed)
        return MORE if self._word.startswith(client) else NO


def engine_of(chain: list[dict[str, Any]], default: str = "DROP", names: tuple[str, ...] = tuple(WORDS)) -> Engine:
    config = Config.model_validate({"version": 1, "chains": {"INPUT": chain}, "default": default})
    loaded = assemble(config, [("rules", rules), *((name, Word(name)) for name in names)])
    return Engine(config, loaded, live=False, sink=[].append)


def packet(data: bytes, time: float = 1.0) -> Packet:
    return decode(udp_packet("10.0.0.1", 1000, "10.0.0.2", 53, data), time, 1)


def shown(verdict: Verdict) -> tuple[str, bool]:
    return verdict.action.value, verdict.final


ALPHA = {"rule": "app", "is": "alpha", "action": "ACCEPT"}
ALPHA_WORD = {"rule": "fact", "name": "alpha.word", "glob": "*", "action": "ACCEPT"}


@pytest.mark.parametrize("rule", [ALPHA, ALPHA_WORD], ids=["app", "fact"])
def test_a_rule_does_not_wait_for_names_that_it_does_not_ask_for(rule: dict[str, Any]) -> None:
    engine = engine_of([rule])
    assert shown(engine.process(packet(b"HEL"))) == ("accept", False), "alpha and beta are open"
    assert shown(engine.process(packet(b"P"))) == ("drop", True), "beta alone is open"


def test_a_rule_waits_for_each_name_of_its_list() -> None:
    engine = engine_of([{"rule": "app", "is": ["alpha", "beta"], "action": "ACCEPT"}])
    assert shown(engine.process(packet(b"HEL"))) == ("accept", False)
    assert shown(engine.process(packet(b"P"))) == ("accept", False)
    assert shown(engine.process(packet(b"?"))) == ("drop", True)


def test_the_first_byte_is_asked_for_again_when_it_ends_a_name() -> None:
    """What was answered before the bytes came is not kept."""
    engine = engine_of([ALPHA])
    assert shown(engine.process(packet(b""))) == ("accept", False)
    assert shown(engine.process(packet(b"HO"))) == ("drop", True), "gamma is open"


def test_not_is_the_negation_of_a_settled_no() -> None:
    engine = engine_of([{"not": {"rule": "app", "is": "alpha"}, "action": "DROP"}], default="ACCEPT")
    assert shown(engine.process(packet(b"HEL"))) == ("accept", False)
    assert shown(engine.process(packet(b"P"))) == ("drop", True)


def test_an_accept_that_rests_on_a_no_is_not_final_before_the_name() -> None:
    engine = engine_of([{"rule": "app", "is": "alpha", "action": "DROP"}], default="ACCEPT")
    assert shown(engine.process(packet(b"HO"))) == ("accept", False)
    verdict = engine.process(packet(b"LD?"))
    assert shown(verdict) == ("accept", True)


def test_a_name_that_no_detector_of_the_transport_gives_is_refused_at_the_first_packet() -> None:
    class OverTcp(Word):
        transport = "tcp"

    config = Config.model_validate({"version": 1, "chains": {"INPUT": [ALPHA]}, "default": "DROP"})
    plugins = [("rules", rules), ("stream", Stream), ("alpha", OverTcp("alpha")), ("beta", Word("beta"))]
    engine = Engine(config, assemble(config, plugins), live=False, sink=[].append)
    assert shown(engine.process(packet(b""))) == ("drop", True)


def test_explain_shows_the_rule_as_answered() -> None:
    engine = engine_of([{"rule": "app", "is": "alpha", "action": "ACCEPT"}], default="ACCEPT")
    engine.process(packet(b"HO"))
    (flow,) = engine.flows
    _, walk, why = walk_with_notes(engine, engine.chains, packet(b""), flow)
    assert walk[0].answer == "NO"
    assert why == "not final: may still change: app_proto"


def test_many_rules_are_found_by_one_look_up_as_one_by_one() -> None:
    chain = [{"rule": "app", "is": name, "action": "ACCEPT"} for name in ("alpha", "unknown")] * 10
    engine = engine_of(chain, names=("alpha", "beta"))
    assert shown(engine.process(packet(b"HEL"))) == ("accept", False)
    engine = engine_of([ALPHA] * 20)
    assert shown(engine.process(packet(b"HEL"))) == ("accept", False)
    assert shown(engine.process(packet(b"P"))) == ("drop", True)


def test_a_detector_out_of_service_keeps_its_own_names_open_alone() -> None:
    engine = engine_of([ALPHA])
    engine.detection.asker.quarantine("gamma")
    assert shown(engine.process(packet(b"HO"))) == ("drop", True), "gamma could not have given alpha"
    engine = engine_of([ALPHA])
    engine.detection.asker.quarantine("alpha")
    assert shown(engine.process(packet(b"HELLO"))) == ("drop", False), "failure.plugin_error"


@given(st.lists(st.sampled_from([b"H", b"E", b"L", b"P", b"O", b"D", b"?", b"!"]), min_size=1, max_size=7))
def test_a_no_never_becomes_a_yes(pieces: list[bytes]) -> None:
    """Whatever follows: once a rule says NO before the name is known, the name is none of those that it asks for."""
    engine = engine_of([{"rule": "app", "is": "alpha", "action": "REJECT"}], default="ACCEPT")
    refused = False
    for at, piece in enumerate(pieces):
        engine.process(packet(piece, 1.0 + at))
        (flow,) = engine.flows
        refused |= flow.app_proto is None and "alpha" not in engine.possible_names(flow)
        assert not (refused and flow.app_proto == "alpha")


def test_masks_and_names() -> None:
    names = Names([("a", "b"), ("c",), ("b",)])
    assert names.possible(0b101) == {"a", "b", "unknown", "none"}
    assert names.givers(["b"]) == 0b101
    assert names.givers(["d"]) == 0
    assert names.declared == {"a", "b", "c"}


def test_classification_waits_for_names_that_may_be_confirmed_and_for_those_that_rules_ask_for() -> None:
    def detectors(unseen: tuple[str, ...]) -> Detectors:
        call = Word("alpha").pywall_detect
        return Detectors([Detector("alpha", call, ("udp",), ("alpha",), unseen=unseen)])

    for unseen, asked, waits in (((), (), True), (("alpha",), (), False), (("alpha",), ("alpha",), True)):
        detection = Detection(
            detectors(unseen), [], 1000, 10, Guard(Failures(getLogger()), Counter(), lambda plugin: None)
        )
        detection.states.await_names(asked)
        flow = make_flow(proto=17)
        detection.begin(flow)
        detection.feed(flow, True, b"HE", True)
        assert detection.states.may_be_named(flow) is waits, (unseen, asked)
