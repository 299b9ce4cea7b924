"""Which flows classifiers are asked about, from which byte on, and what a name does to what they learnt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pywall_core.api import MORE, NO, PENDING, YES, Answer, Facts, Flow, Match, RuleKind, hookimpl
from pywall_core.engine.engine import Engine
from pywall_core.packet.decode import decode
from pywall_core.testing.packets import ip_packet, udp_packet

MakeEngine = Callable[..., Engine]
CLIENT, SERVER = "192.0.2.1", "198.51.100.2"


class Hears:
    """A classifier that keeps what it was shown and settles at ``enough`` bytes."""

    facts = ("length",)

    def __init__(self, enough: int = 10**9) -> None:
        self.heard: list[tuple[bool, bytes]] = []
        self.enough = enough

    @hookimpl
    def pywall_rules(self, register: Any) -> None:
        register(Length)

    @hookimpl
    def pywall_classify(self, flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
        self.heard.append((to_server, data))
        flow.ext = flow.ext or {}
        flow.ext["hears"] = flow.ext.get("hears", 0) + len(data)
        return Facts(length=flow.ext["hears"]) if flow.ext["hears"] >= self.enough else MORE


class Length(RuleKind):
    """Asks the classifier's fact."""

    kind = "length"
    scope = "flow"

    def asks(self) -> tuple[str, ...]:
        return ("length",)

    def compile(self, engine: Any) -> Any:
        return lambda packet, flow: YES if "length" in flow.facts else engine.fact_state(flow, "length")


class Opens:
    """Detects "opens" by ``open`` at the start; confirmed by the server's ``ok``, contradicted by a client's ``no``."""

    protocols = ("opens",)
    transport = "udp"

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        if not client.startswith(b"open"):
            return NO
        if b"no" in client[4:]:
            return NO
        return Match("opens", confirmed=server.startswith(b"ok"), done=server.startswith(b"ok"))


class Waits:
    """A detector that never makes up its mind."""

    protocols = ("waits",)
    transport = "udp"

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return MORE


ASKS = {"chains": {"INPUT": [{"rule": "length", "action": "DROP"}]}}


def up(engine: Engine, *payloads: bytes) -> list[Any]:
    return [engine.process(decode(udp_packet(CLIENT, 4000, SERVER, 5000, data), 1.0, 1)) for data in payloads]


def down(engine: Engine, *payloads: bytes) -> list[Any]:
    return [engine.process(decode(udp_packet(SERVER, 5000, CLIENT, 4000, data), 1.0, 3)) for data in payloads]


def flow_of(engine: Engine) -> Flow:
    (flow,) = engine.flows
    return flow


def test_a_flow_that_gets_its_name_is_never_classified(make_engine: MakeEngine) -> None:
    hears = Hears()
    engine = make_engine([("opens", Opens()), ("hears", hears)], **ASKS)
    up(engine, b"open" + b"x" * 900)
    down(engine, b"ok", b"y" * 900)
    up(engine, b"x" * 900)
    assert flow_of(engine).confirmed
    assert hears.heard == []


def test_nobody_is_asked_where_no_rule_asks(make_engine: MakeEngine) -> None:
    hears = Hears()
    engine = make_engine([("hears", hears)], live=True, chains={"INPUT": [{"rule": "flag", "action": "DROP"}]})
    up(engine, b"x" * 900, b"y" * 900)
    assert flow_of(engine).app_proto == "unknown"
    assert hears.heard == []


def test_a_detector_that_waits_does_not_hold_it_up(make_engine: MakeEngine) -> None:
    hears = Hears(3500)
    engine = make_engine([("waits", Waits()), ("hears", hears)], **ASKS)
    up(engine, b"a" * 1200)
    down(engine, b"b" * 1200)
    assert hears.heard == []
    verdicts = up(engine, b"c" * 1200)
    assert hears.heard == [(True, b"a" * 1200), (False, b"b" * 1200), (True, b"c" * 1200)]
    assert [verdict.action.value for verdict in verdicts] == ["drop"]


def test_an_opening_without_an_answer_does_not_hide_what_follows(make_engine: MakeEngine) -> None:
    hears = Hears(8000)
    engine = make_engine([("opens", Opens()), ("hears", hears)], **ASKS)
    up(engine, b"open", *[b"x" * 1000] * 5)
    assert hears.heard == []
    assert up(engine, *[b"x" * 1000] * 4)[-1].action.value == "drop"
    assert flow_of(engine).app_proto == "opens"


def test_an_opening_with_an_answer_that_proves_nothing_does_not_either(make_engine: MakeEngine) -> None:
    hears = Hears(4000)
    engine = make_engine([("opens", Opens()), ("hears", hears)], **ASKS)
    for _ in range(3):
        up(engine, b"open" + b"x" * 1000)
        down(engine, b"y" * 1000)
    assert up(engine, b"x")[0].action.value == "drop"


def test_evidence_is_set_aside_when_a_name_is_confirmed(make_engine: MakeEngine) -> None:
    hears = Hears(9000)
    engine = make_engine([("opens", Opens()), ("hears", hears)], chains={"INPUT": [{"rule": "flag", "action": "DROP"}]})
    engine.detection.classifiers.wanted = True
    up(engine, b"open", *[b"x" * 1000] * 12)
    assert flow_of(engine).facts == {"length": 9004}
    down(engine, b"ok")
    flow = flow_of(engine)
    assert (flow.confirmed, flow.facts, flow.classifying) == (True, {}, 0)
    assert "hears" not in (flow.ext or {})
    heard = len(hears.heard)
    up(engine, b"x" * 1000)
    assert len(hears.heard) == heard


def test_bytes_that_contradict_the_opening_end_the_wait(make_engine: MakeEngine) -> None:
    hears = Hears()
    engine = make_engine([("opens", Opens()), ("hears", hears)], **ASKS)
    up(engine, b"open", b"no")
    assert hears.heard == [(True, b"open"), (True, b"no")]
    flow = flow_of(engine)
    assert (flow.app_proto, flow.confirmed, flow.detect_done) == ("opens", False, True)


def test_a_spent_budget_is_no_proof(make_engine: MakeEngine) -> None:
    chains = {"INPUT": [{"rule": "app", "name": "opens", "action": "ACCEPT"}]}
    engine = make_engine([("opens", Opens())], chains=chains, default="DROP", detection={"bytes": 2000})
    assert [v.action.value for v in up(engine, b"open", *[b"x" * 1000] * 4)] == ["accept"] * 5
    verdict = up(engine, b"x")[0]
    assert (verdict.action.value, verdict.final) == ("accept", False)
    assert engine.fact_state(flow_of(engine), "app_proto") is NO


def test_a_flow_that_ends_early_is_classified_in_the_end(make_engine: MakeEngine) -> None:
    hears = Hears(4)
    events: list[dict[str, Any]] = []
    engine = make_engine([("waits", Waits()), ("hears", hears)], events=events, **ASKS)
    up(engine, b"abcd")
    assert engine.fact_state(flow_of(engine), "length") is PENDING
    engine.close()
    assert [e["pywall"]["facts"] for e in events if e["event_type"] == "flow"] == [{"length": 4}]


def echo(engine: Engine, kind: int, data: bytes, number: int = 1) -> Any:
    ends = (CLIENT, SERVER) if kind == 8 else (SERVER, CLIENT)
    message = bytes([kind, 0, 0, 0]) + b"\x12\x34" + number.to_bytes(2, "big") + data
    return engine.process(decode(ip_packet(*ends, 1, message), 1.0, 1 if kind == 8 else 3))


def test_echo_data_are_classified_once(make_engine: MakeEngine) -> None:
    hears = Hears(60)
    engine = make_engine([("hears", hears)], **ASKS)
    echo(engine, 8, b"a" * 40)
    echo(engine, 0, b"a" * 40)
    assert hears.heard == [(True, b"a" * 40)]
    echo(engine, 8, b"b" * 40, 2)
    assert echo(engine, 8, b"c", 3).action.value == "drop"


def test_protocols_known_by_their_number_have_names(make_engine: MakeEngine) -> None:
    hears = Hears()
    engine = make_engine([("hears", hears)], **ASKS)
    engine.process(decode(ip_packet(CLIENT, SERVER, 50, b"\0\0\0\1" + b"x" * 90), 1.0, 1))
    flow = flow_of(engine)
    assert (flow.app_proto, flow.confirmed) == ("esp", True)
    assert hears.heard == []


class HandsOver:
    """Detects "outer" by ``OUT!`` and hands over what follows."""

    protocols = ("outer",)
    transport = "udp"

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        return Match("outer", restart=(4, 0)) if client.startswith(b"OUT!") else NO


class Sizes:
    """Keeps the sizes of datagrams that it was asked with."""

    protocols = ("sizes",)
    transport = "udp"

    def __init__(self) -> None:
        self.seen: list[tuple[int, ...]] = []

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Match | Answer:
        self.seen.append(flow.client_sizes)
        return MORE


def test_what_is_inside_datagrams_has_sizes_and_is_classified(make_engine: MakeEngine) -> None:
    sizes, hears = Sizes(), Hears()
    engine = make_engine([("outer", HandsOver()), ("sizes", sizes), ("hears", hears)], **ASKS)
    up(engine, b"OUT!" + b"x" * 90, b"y" * 4000)
    assert sizes.seen == [(90,), (90, 4000)]
    assert hears.heard == [(True, b"x" * 90), (True, b"y" * 4000)]
    assert flow_of(engine).opaque
