"""The filters that choose flows choose their events as well: an event says the same as its flow."""

from __future__ import annotations

from typing import cast

import pytest

from pywall_core.events.as_flow import EventFlow
from pywall_core.flows.filter import parse
from pywall_core.model.flow import Flow
from pywall_core.testing import conversation, engine

START = 1_700_000_000.0
TALK = conversation("udp", ("192.0.2.1", 4000), ("198.51.100.9", 53), start=START)
EXPRESSIONS = [
    ("dst port 53", True),
    ("src port 53", False),
    ("net 198.51.100.0/24", True),
    ("net 203.0.113.0/24", False),
    ("udp", True),
    ("tcp", False),
    ("verdict accept", True),
    ("verdict drop", False),
    ("age <60", True),
]


@pytest.mark.parametrize(("expression", "chosen"), EXPRESSIONS)
def test_a_filter_chooses_the_flow_and_its_event_alike(expression: str, chosen: bool) -> None:
    lab = engine({"default": "ACCEPT"})
    lab.send(TALK.client(b"x").server(b"y"))
    (flow,) = lab.flows
    matches = parse(expression)
    assert matches(flow) is chosen
    lab.close()
    (event,) = lab.of_type("flow")
    assert matches(cast("Flow", EventFlow(event))) is chosen
