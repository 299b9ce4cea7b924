"""The host that stands for an engine keeps what a plugin asks of it."""

from __future__ import annotations

import pytest

from pywall_core.api import NO, PENDING, YES, Answer
from pywall_core.config import Config
from pywall_core.testing import make_flow
from pywall_core.testing.host import FakeHost, NoPlugins


@pytest.mark.parametrize(
    ("attributes", "of_name", "of_fact"),
    [
        ({}, PENDING, PENDING),
        ({"app_proto": "tls"}, YES, PENDING),
        ({"app_proto": "tls", "facts": {"tls.sni": "a.example"}}, YES, YES),
        ({"detect_done": True}, NO, NO),
    ],
)
def test_a_fact_is_there_or_may_come_or_never_will(
    attributes: dict[str, object], of_name: Answer, of_fact: Answer
) -> None:
    flow = make_flow(**attributes)
    host = FakeHost()
    assert (host.fact_state(flow, "app_proto"), host.fact_state(flow, "tls.sni")) == (of_name, of_fact)
    assert host.may_be_confirmed(flow) is ("detect_done" not in attributes)


def test_a_flow_with_a_name_may_have_no_other() -> None:
    host = FakeHost()
    assert "ssh" in host.possible_names(make_flow())
    assert host.possible_names(make_flow(app_proto="irc")) == {"irc"}


def test_what_is_asked_of_the_host_is_kept() -> None:
    host = FakeHost()
    flow = make_flow()
    assert host.share("seen", list) is None
    helper = host.helper("names", dict)
    host.keep("grants", list, list)
    host.count("hits", 2)
    host.count("hits")
    host.emit("alert", flow, None, signature="x")
    host.expect(flow, "192.0.2.1", 20)
    assert (host.shared, host.helpers, host.kept) == ({"seen": list}, {"names": helper}, {"grants": (list, list)})
    assert host.stats() == {"counters": {"hits": 3}}
    assert host.events == [{"event_type": "alert", "signature": "x"}]
    assert host.expected == [("192.0.2.1", 20)]


def test_it_has_the_sets_of_its_configuration_and_no_plugins() -> None:
    config = Config.model_validate({"sets": {"here": {"type": "addresses", "entries": ["192.0.2.0/24"]}}})
    assert list(FakeHost(config).sets) == ["here"]
    assert NoPlugins().calls("detect") == ()
