"""When there is an event: once a flow and rule, at most a hundred anomalies a second, and none that nobody reads."""

from __future__ import annotations

import logging
from collections import Counter
from typing import Any

import pytest

from pywall_core.api import ACCEPT, DROP, REJECT, Flow, Verdict, decode
from pywall_core.calls.guard import Guard
from pywall_core.calls.quarantine import Failures
from pywall_core.events.emitter import Reporter, comment_of
from pywall_core.events.eve import EventBuilder
from pywall_core.model.transaction import Transaction
from pywall_core.testing import make_flow, tcp_packet

PACKET = decode(tcp_packet("192.0.2.1", 1000, "192.0.2.2", 443, seq=1), 5.0)


class Desk:
    """A reporter with what came out of it."""

    def __init__(self, *, live: bool = False, sink: bool = True, hooks: Any = ()) -> None:
        self.events: list[dict[str, Any]] = []
        self.counters: Counter[str] = Counter()
        guard = Guard(Failures(logging.getLogger("pywall.testing")), self.counters, lambda plugin: None)
        builder = EventBuilder(live=live)
        self.reporter = Reporter(builder, self.events.append if sink else None, hooks, guard, self.counters)

    def kinds(self) -> list[str]:
        return [event["event_type"] for event in self.events]


def decided(action: Any, rule: str, reason: str = "matched") -> Verdict:
    return Verdict(action, rule=rule, plugin="rules", reason=reason)


def a_flow(**attributes: Any) -> Flow:
    return make_flow(PACKET, **attributes)


def test_a_drop_is_told_once_a_flow_and_rule() -> None:
    desk, flow = Desk(), a_flow()
    for rule in ("INPUT[0]", "INPUT[0]", "INPUT[1]"):
        verdict = decided(DROP, rule)
        desk.reporter.drop(verdict, PACKET, flow)
        flow.cache.last = verdict
    assert [event["pywall"]["rule"] for event in desk.events] == ["INPUT[0]", "INPUT[1]"]


def test_a_flow_that_was_accepted_meanwhile_is_told_again() -> None:
    desk, flow = Desk(), a_flow()
    flow.cache.last = decided(ACCEPT, "INPUT[0]")
    desk.reporter.drop(decided(DROP, "INPUT[0]"), PACKET, flow)
    assert desk.kinds() == ["drop"]


def test_observe_mode_accepts_and_says_what_would_have_been() -> None:
    desk, flow = Desk(), a_flow()
    for _ in range(3):
        passed = desk.reporter.would_be(decided(REJECT, "INPUT[3]"), PACKET, flow)
        assert (passed.action, passed.reason) == (ACCEPT, "observe: would reject")
        flow.cache.last = passed
    assert desk.kinds() == ["alert"]
    assert desk.counters["observed.reject"] == 3


@pytest.mark.parametrize(("live", "written"), [(True, 100), (False, 250)])
def test_anomalies_of_a_second_are_limited_live(live: bool, written: int) -> None:
    desk = Desk(live=live)
    for _ in range(250):
        desk.reporter.anomaly(PACKET, None, "decode", "tcp.short")
    assert len(desk.events) == written
    assert desk.counters["events.anomaly_suppressed"] == 250 - written
    desk.reporter.tick()
    desk.reporter.anomaly(PACKET, None, "decode", "tcp.short")
    assert len(desk.events) == written + 1


def test_facts_of_a_protocol_are_told_once_when_all_are_known() -> None:
    desk = Desk()
    flow = a_flow(app_proto="ssh", facts={"ssh.version": "2.0"})
    desk.reporter.protocol(flow)
    assert desk.kinds() == [], "detection goes on"
    flow.own_detection().done = True
    desk.reporter.protocol(flow)
    desk.reporter.protocol(flow)
    assert desk.kinds() == ["ssh"]


def test_transactions_are_told_when_they_are_complete_and_their_anomalies_at_once() -> None:
    desk, flow = Desk(), a_flow(app_proto="http")
    found = [Transaction(0, {"method": "GET"}), Transaction(0, {"method": "GET"}, complete=True, anomaly="odd")]
    desk.reporter.transactions(flow, [("http", one) for one in found], PACKET)
    assert desk.kinds() == ["anomaly", "http"]
    assert desk.events[0]["anomaly"]["event"] == "http.odd"


def test_plugins_get_events_and_one_that_raises_keeps_them_from_nobody() -> None:
    seen: list[str] = []

    def broken(event: dict[str, Any]) -> None:
        raise ValueError("x")

    hooks = (("broken", broken), ("reader", lambda event: seen.append(event["event_type"])))
    desk = Desk(sink=False, hooks=hooks)
    assert desk.reporter.is_read
    desk.reporter.emit("flow", a_flow(), None, {"reason": "closed"})
    assert seen == ["flow"]


def test_without_a_reader_no_event_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    desk = Desk(sink=False)
    monkeypatch.setattr(EventBuilder, "build", lambda *_: pytest.fail("made for nobody"))
    assert not desk.reporter.is_read
    desk.reporter.emit("flow", a_flow(), None, {"reason": "closed"})


def test_packets_that_raise_an_alert_are_kept_with_its_words() -> None:
    desk, kept = Desk(sink=False), []
    desk.reporter.keep_packet = lambda data, comment: kept.append((data, comment))
    desk.reporter.would_be(decided(DROP, "INPUT[3]"), PACKET, a_flow())
    desk.reporter.emit("flow", a_flow(), PACKET, {"reason": "closed"})
    assert [data for data, _ in kept] == [PACKET.data]
    assert kept[0][1].startswith("alert: ")


def test_a_verdict_in_one_line() -> None:
    assert comment_of(decided(DROP, "INPUT[2]", "no SSH")) == "DROP by INPUT[2]: no SSH"
    named = Verdict(DROP, rule="INPUT[2]", reason="INPUT[2] matched", title="SSH from outside", where="/etc/p.yaml:12")
    assert comment_of(named) == "DROP by SSH from outside (p.yaml:12)"
    assert comment_of(Verdict(ACCEPT, plugin="default", reason="end of chain")) == "ACCEPT by default: end of chain"
