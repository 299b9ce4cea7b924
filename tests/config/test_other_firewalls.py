"""Lines of other firewalls where a rule belongs: what is to be written instead can be read, and means the same."""

from __future__ import annotations

import pytest
import yaml

from pywall_core.config.other_firewalls import key_form, line_form
from pywall_core.testing import engine

LINES = [
    ("allow 22", {"rule": "port", "dst": 22, "action": "ACCEPT"}),
    ("ALLOW 22/TCP", {"rule": "port", "protocol": "tcp", "dst": 22, "action": "ACCEPT"}),
    ("reject out 25", {"rule": "port", "dst": 25, "action": "REJECT"}),
    ("deny from 10.0.0.1", {"rule": "ip", "src": "10.0.0.1", "action": "DROP"}),
    ("allow from 10.0.0.1 to 10.0.0.2", {"rule": "ip", "src": "10.0.0.1", "dst": "10.0.0.2", "action": "ACCEPT"}),
    ("ssh DROP", {"rule": "app", "is": "ssh", "action": "DROP"}),
    ("ssh deny", {"rule": "app", "is": "ssh", "action": "DROP"}),
]


@pytest.mark.parametrize(("line", "rule"), LINES)
def test_what_is_to_be_written_is_a_rule(line: str, rule: dict[str, object]) -> None:
    written = yaml.safe_load(line_form(line).partition("write ")[2])
    assert written == rule
    policy = {"version": 1, "plugins": ["rules", "stream", "protocols"], "chains": {"INPUT": [written]}}
    engine(yaml.safe_dump(policy))


@pytest.mark.parametrize("data", ["", "hello", "allow me in", None, 7, ["a", "b"], {}, "x" * 10_000])
def test_other_things_get_the_forms_of_a_rule(data: object) -> None:
    assert line_form(data).endswith("{rule: KIND, ...}, {all: [...]}, {any: [...]} or {not: {...}}")


def test_a_key_that_is_a_line() -> None:
    assert key_form("port 22", "DROP") == "; write {rule: port, dst: 22, action: DROP}"
    assert key_form("port", 22) == ""
