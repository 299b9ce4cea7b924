"""Fields of packets as people name them: the rule that asks for them."""

from __future__ import annotations

import pytest
import yaml

from pywall_core.config.fields import FIELDS, field_of, flow_text, rule_of_fields


def test_kinds_and_parameters_are_those_of_the_rules() -> None:
    from pywall_core.config import loads
    from pywall_core.plugins.loader import load

    config = loads(b"version: 1\nplugins: [rules, stream, process]\n", "p.yaml")
    kinds = load(config).registry.kinds
    for key, (kind, parameter) in FIELDS.items():
        names = {field.alias or name for name, field in kinds[kind].model_fields.items()}
        assert (parameter or key) in names, key


@pytest.mark.parametrize(
    ("key", "value", "found"),
    [
        ("src", "10.0.0.1", ("ip", "src")),
        ("src", 80, ("port", "src")),
        ("dport", 22, ("port", "dst")),
        ("tls.sni", "a.example", ("fact", "is")),
        ("tls.sni", {}, None),
        ("hours", "08:00-09:00", ("time", "hours")),
        ("colour", "red", None),
    ],
)
def test_what_asks_for_a_field(key: str, value: object, found: tuple[str, str] | None) -> None:
    assert field_of(key, value) == found


def test_several_fields_are_one_rule() -> None:
    form = rule_of_fields({"src": "10.0.0.0/8", "dport": [22, 80], "proto": "TCP", "tls.sni": "a.example"}, "ACCEPT")
    assert yaml.safe_load(form) == {
        "all": [
            {"rule": "ip", "src": "10.0.0.0/8"},
            {"rule": "port", "protocol": "tcp", "dst": [22, 80]},
            {"rule": "fact", "name": "tls.sni", "is": "a.example"},
        ],
        "action": "ACCEPT",
    }
    assert rule_of_fields({"colour": "red"}, "DROP") == ""
    assert rule_of_fields({}, "DROP") == "{rule: always, action: DROP}"


@pytest.mark.parametrize("value", ["@bad", "!x", "*x", "plain", 22, [22, "@bad"]])
def test_values_are_read_as_they_were(value: object) -> None:
    assert yaml.safe_load(f"{{key: {flow_text(value)}}}") == {"key": value}
