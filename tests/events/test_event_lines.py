"""An event as one line: when, what, which flow, which rule; nothing from outside moves the cursor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.event_lines import event_line, flow_text, printable, rule_label, urgent_line, why

DROP: dict[str, Any] = {
    "timestamp": "2023-11-14T22:13:20.008123+0000",
    "event_type": "drop",
    "src_ip": "192.0.2.1",
    "src_port": 4000,
    "dest_ip": "2001:db8::1",
    "dest_port": 443,
    "proto": "TCP",
    "app_proto": "ssh",
    "verdict": {"action": "drop"},
    "pywall": {
        "rule": "INPUT[2]",
        "rule_name": "no SSH",
        "rule_at": "/etc/pywall/pywall.yaml:12",
        "reason": "INPUT[2] matched",
    },
}


def test_a_drop() -> None:
    assert event_line(DROP) == (
        "22:13:20.008  drop     drop    TCP   192.0.2.1:4000 -> [2001:db8::1]:443  ssh  no SSH (pywall.yaml:12)"
    )


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"event_type": "alert", "alert": {"signature": "would drop"}}, "would drop"),
        ({"event_type": "anomaly", "anomaly": {"event": "tcp.short"}}, "tcp.short"),
        ({"event_type": "dns"}, "ssh"),
    ],
)
def test_other_events_say_what_they_are_about(event: dict[str, Any], text: str) -> None:
    assert event_line({**DROP, **event}).endswith(text)


@pytest.mark.parametrize(
    ("pywall", "text"),
    [
        ({"rule": "INPUT[2]", "reason": "INPUT[2] matched"}, "INPUT[2]"),
        ({"rule": "INPUT[2]", "rule_name": "a", "reason": "a"}, "a"),
        ({"rule": "INPUT[2]", "rule_name": "a", "reason": "plugin error"}, "a: plugin error"),
        ({"reason": "end of chain"}, "end of chain"),
        ({}, ""),
    ],
)
def test_a_reason_is_said_where_it_says_more_than_the_rule(pywall: dict[str, str], text: str) -> None:
    assert why({"pywall": pywall}) == text


def test_a_rule_has_its_name_or_its_place() -> None:
    assert rule_label("INPUT[2]", "no SSH", "/etc/pywall/pywall.yaml:12") == "no SSH (pywall.yaml:12)"
    assert rule_label("INPUT[2]", "", "") == "INPUT[2]"


def test_what_has_no_ports_and_what_has_no_addresses() -> None:
    assert flow_text({"src_ip": "192.0.2.1", "dest_ip": "2001:db8::1"}) == "192.0.2.1 -> 2001:db8::1"
    assert flow_text({}) == ""


@given(st.text())
def test_a_line_is_one_line_of_printable_characters(name: str) -> None:
    line = event_line({**DROP, "pywall": {**DROP["pywall"], "rule_name": name}})
    assert line.isprintable()
    assert printable(line) == line


@pytest.mark.parametrize(
    ("kind", "action", "code"), [("drop", "drop", "31"), ("flow", "accept", "32"), ("dns", "", "")]
)
def test_colours(kind: str, action: str, code: str) -> None:
    line = event_line({**DROP, "event_type": kind, "verdict": {"action": action}}, colour=True)
    assert line.startswith(f"\x1b[{code}m") if code else "\x1b" not in line


def test_only_what_is_urgent_is_shown_as_it_happens() -> None:
    assert urgent_line(json.dumps(DROP).encode()).decode() == event_line(DROP) + "\n"
    assert urgent_line(json.dumps({**DROP, "event_type": "flow"}).encode()) == b""
