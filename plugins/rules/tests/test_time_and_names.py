"""``time``, ``domain``, ``service`` and the questions of ``fact``."""

from __future__ import annotations

import random
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import ValidationError
from pywall_rules.clock import Clock
from pywall_rules.domain import Domain
from pywall_rules.fact import Fact
from pywall_rules.linear import _checked
from pywall_rules.service import Service

from pywall_core.api import NO, PENDING, YES, Answer, RuleKind
from pywall_core.config import loads
from pywall_core.packet.decode import decode
from pywall_core.testing import make_flow, tcp_packet, udp_packet
from pywall_core.testing.host import FakeHost


def answer(rule: RuleKind, packet: bytes = b"", **flow: Any) -> Answer:
    made = decode(packet or tcp_packet("192.0.2.1", 1000, "198.51.100.2", 443, seq=0))
    host: Any = FakeHost()
    return rule.compile(host)(made, make_flow(made, **flow))  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        ("2026-11-27 12:00", True),  # a Friday
        ("2026-11-27 07:59", False),
        ("2026-11-27 18:00", False),
        ("2026-11-28 12:00", False),
        ("2026-11-27 23:00", True),
        ("2026-11-28 05:59", True),  # Friday's night
        ("2026-11-29 05:59", False),  # Saturday's
        ("2026-11-28 06:00", False),
    ],
)
def test_days_and_hours(when: str, expected: bool) -> None:
    zone = ZoneInfo("Europe/Vienna")
    rule = Clock.model_validate({"days": "mon-fri", "hours": ["08:00-18:00", "22:00-06:00"], "zone": "Europe/Vienna"})
    assert rule.holds(datetime.fromisoformat(when).replace(tzinfo=zone).timestamp()) is expected


@pytest.mark.parametrize(
    "wrong",
    [{}, {"days": "someday"}, {"hours": "8-18"}, {"hours": "25:00-26:00"}, {"days": "mon", "zone": "Moon/Base"}],
)
def test_what_is_no_time(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Clock.model_validate(wrong)


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"tls.sni": "www.Example.com"}, YES),
        ({"tls.sni": "example.com."}, YES),
        ({"tls.sni": "notexample.com"}, NO),
        ({"quic.sni": "a.b.example.com"}, YES),
        ({"http.hostname": "other.example"}, YES),
        ({"dns.rrname": "sub.other.example"}, NO),
        ({"dns.rrname": "example.com"}, YES),
    ],
)
def test_a_name_wherever_it_is_said(facts: dict[str, str], expected: Answer) -> None:
    rule = Domain.model_validate({"is": ["example.com", "=other.example"]})
    assert answer(rule, facts=facts, app_proto="tls", detect_done=True) is expected
    assert answer(rule) is PENDING
    assert answer(rule, app_proto="unknown", detect_done=True) is NO


@pytest.mark.parametrize(
    ("question", "value", "expected"),
    [
        ({"suffix": "example.com"}, "www.example.com", YES),
        ({"suffix": ["example.com"]}, "badexample.com", NO),
        ({"contains": ["ADS"]}, "x-ads-y", YES),
        ({"regex": "^curl/[0-6]"}, "curl/5.1", YES),
        ({"regex": "^curl/[0-6]"}, "curl/8.1", NO),
        ({"least": 10, "most": 20}, 15, YES),
        ({"least": 10, "most": 20}, 21, NO),
        ({"least": 10}, "15", NO),
        ({"same_as": "tls.subject"}, "A.example", YES),
        ({"same_as": "tls.subject"}, "b.example", NO),
    ],
)
def test_questions_of_fact(question: dict[str, Any], value: object, expected: Answer) -> None:
    rule = Fact.model_validate({"name": "tls.sni", **question})
    facts = {"tls.sni": value, "tls.subject": "a.example"}
    assert answer(rule, facts=facts, app_proto="tls", detect_done=True) is expected
    assert answer(rule) is PENDING


def test_one_question_at_a_time() -> None:
    for wrong in ({}, {"is": 1, "least": 2}, {"regex": "a", "contains": "b"}):
        with pytest.raises(ValidationError, match="exactly one of"):
            Fact.model_validate({"name": "a.b", **wrong})


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*b", "a*a*a*b", "(?=x)a", r"(a)\1", "[", "(x+x+){3}y"])
def test_expressions_that_may_take_long_are_refused(pattern: str) -> None:
    with pytest.raises(ValueError):
        _checked(pattern)


@pytest.mark.parametrize("pattern", ["^a+$", "(ab|cd){2}x*", r"\d+\.example", ".*evil", "[a-z]{1,10}[0-9]+"])
def test_expressions_of_the_subset(pattern: str) -> None:
    search = _checked(pattern)
    for _ in range(20):
        search("".join(random.choices("ab1.x", k=4096)))


def test_services_by_name() -> None:
    https = Service.model_validate({"is": "https"})
    assert answer(https) is YES
    assert answer(https, udp_packet("192.0.2.1", 1, "192.0.2.2", 443)) is YES
    assert answer(https, tcp_packet("192.0.2.1", 443, "192.0.2.2", 99, seq=0)) is NO
    replies = Service.model_validate({"is": ["https", "dns"], "from": True})
    assert answer(replies, tcp_packet("192.0.2.1", 443, "192.0.2.2", 99, seq=0)) is YES
    with pytest.raises(ValidationError, match="did you mean 'https'"):
        Service.model_validate({"is": "htpps"})


def test_domain_asks_named_sets_as_they_are_at_the_time() -> None:
    config = loads(b"version: 1\nsets: {ads: {type: names, entries: [ads.example]}}\n", "p.yaml")
    host = FakeHost(config)
    rule = Domain.model_validate({"is": ["@ads", "other.example"]})
    assert rule.sets() == (("ads", ("names",)),)
    index = rule.index(host)
    assert index is not None
    assert index.sets == (host.sets["ads"],)
    matcher = rule.compile(host)

    def says(name: str) -> object:
        return matcher(None, make_flow(facts={"tls.sni": name}, app_proto="tls"))  # type: ignore[arg-type]

    assert [says(name) for name in ("x.ads.example", "www.other.example", "new.example")] == [YES, YES, NO]
    host.sets["ads"].add("new.example")
    assert says("www.new.example") is YES
    host.sets["ads"].delete("ads.example")
    assert says("x.ads.example") is NO
