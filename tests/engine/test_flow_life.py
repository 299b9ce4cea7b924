"""Whether a flow that ends is still classified: only where somebody looks at the answer."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.api import MORE, Answer, Facts, Flow, decode, hookimpl
from pywall_core.config import Config
from pywall_core.engine.engine import Engine
from pywall_core.engine.flow_life import CLASSES_A_SECOND
from pywall_core.plugins.loader import assemble
from pywall_core.testing import udp_packet

A, B = "192.0.2.1", "192.0.2.2"


class Classifier:
    """Says at the flow's end what it has seen, as HEDGE does."""

    facts = ("payload.class",)
    needs_class_at_end = False

    def __init__(self) -> None:
        self.asked = 0

    @hookimpl
    def pywall_classify(self, flow: Flow, to_server: bool, data: bytes) -> Facts | Answer:
        self.asked += 1
        flow.ext = {"classifier": data}
        return MORE

    @hookimpl
    def pywall_flow_end(self, flow: Flow, reason: str) -> None:
        if flow.ext and flow.ext.pop("classifier", None):
            flow.set_fact("payload.class", "plain")


class Undecided:
    """A detector that never says NO, so that classification waits for it until the flow ends."""

    transport = "udp"
    protocols = ("undecided",)

    @hookimpl
    def pywall_detect(self, flow: Flow, client: bytes, server: bytes) -> Answer:
        return MORE


class Looks:
    """Looks at the class of each flow that ends."""

    def __init__(self) -> None:
        self.seen: list[Any] = []

    @hookimpl
    def pywall_flow_end(self, flow: Flow, reason: str) -> None:
        self.seen.append(flow.facts.get("payload.class"))


class DoesNotLook(Looks):
    needs_class_at_end = False


class ReadsEvents:
    @hookimpl
    def pywall_event(self, event: dict[str, Any]) -> None:
        return None


def asked(*others: Any, live: bool = True, events: bool = False) -> int:
    """How often the classifier was asked about a flow of one datagram that has ended."""
    classifier = Classifier()
    plugins = [
        ("undecided", Undecided()),
        ("classifier", classifier),
        *((f"other{n}", o) for n, o in enumerate(others)),
    ]
    config = Config.model_validate({"version": 1, "detection": {"all": True}})
    one = Engine(config, assemble(config, plugins), live=live, sink=(lambda event: None) if events else None)
    one.process(decode(udp_packet(A, 1000, B, 5000, b"datagram"), 1.0, 1))
    assert classifier.asked == 0
    one.flows.clear("shutdown")
    return classifier.asked


def test_nobody_looks() -> None:
    assert asked() == 0
    assert asked(DoesNotLook()) == 0


@pytest.mark.parametrize("options", [{"live": False}, {"events": True}])
def test_a_replay_and_the_flow_event_tell_the_class(options: dict[str, bool]) -> None:
    assert asked(**options) == 1


def test_events_alone_do_not_hold_up_packets() -> None:
    classifier = Classifier()
    config = Config.model_validate({"version": 1, "detection": {"all": True}})
    plugins = [("undecided", Undecided()), ("classifier", classifier)]
    one = Engine(config, assemble(config, plugins), live=True, sink=lambda event: None)
    for port in range(1, CLASSES_A_SECOND + 11):
        one.process(decode(udp_packet(A, port, B, 5000, b"datagram"), 1.0, 1))
    one.flows.clear("shutdown")
    assert classifier.asked == CLASSES_A_SECOND
    assert one.counters["flows.unclassified"] == 10
    one.process(decode(udp_packet(A, 1, B, 5000, b"datagram"), 3.0, 1))  # another second
    one.flows.clear("shutdown")
    assert classifier.asked == CLASSES_A_SECOND + 1


def test_a_plugin_takes_events() -> None:
    assert asked(ReadsEvents()) == 1


def test_a_plugin_may_look_at_the_class_of_flows_that_end() -> None:
    looks = Looks()
    assert asked(looks) == 1
    assert looks.seen == ["plain"]
