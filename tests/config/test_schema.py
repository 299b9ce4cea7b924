"""The JSON schema: rule kinds and options as an editor is to offer them, and what it refuses."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from pydantic import BaseModel, ConfigDict, Field

from pywall_core.api import YES, Host, Matcher, RuleKind
from pywall_core.config.schema import json_schema, kind_schema


class Door(RuleKind):
    """Packets of one protocol to one port."""

    kind = "door"
    number: int = Field(ge=0, le=65535, description="port")
    protocol: str | None = Field(default=None, json_schema_extra={"x-pywall": "protocol"}, description="by content")

    def compile(self, host: Host) -> Matcher:
        return lambda packet, flow: YES


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    size: int = Field(default=1, description="bytes")


def errors(**policy: Any) -> list[str]:
    schema = json_schema({"door": Door}, {"doors": Options, "plain": None}, {"protocol": ["tls", "ssh"]}, ["stranger"])
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    return [error.json_path for error in kind(schema).iter_errors({"version": 1, **policy})]


DOOR = {"rule": "door", "number": 22, "action": "DROP"}


@pytest.mark.parametrize(
    "rule",
    [
        DOOR,
        {**DOOR, "protocol": "tls"},
        {**DOOR, "protocol": "of-tomorrow"},
        {**DOOR, "observe": True, "name": "front", "comment": "words", "enabled": False, "action": "more"},
        {"all": [{"rule": "door", "number": 1}, {"not": {"rule": "door", "number": 2}}], "action": "DROP"},
        {"include": "more.yaml"},
        {**DOOR, "number": "${ssh}", "enabled": "${env:DOORS}"},
    ],
)
def test_what_is_right_is_taken(rule: dict[str, Any]) -> None:
    assert errors(chains={"INPUT": [rule]}) == []


@pytest.mark.parametrize(
    "rule",
    [
        {**DOOR, "number": 65536},
        {**DOOR, "number": "22"},
        {**DOOR, "color": "red"},
        {**DOOR, "rule": "window"},
        {"rule": "door", "action": "DROP"},
        {"any": [], "action": "DROP"},
        {"include": ["more.yaml"]},
    ],
)
def test_what_is_wrong_is_marked_where_it_stands(rule: dict[str, Any]) -> None:
    assert errors(chains={"INPUT": [DOOR, rule]}) == ["$.chains.INPUT[1]"]


@pytest.mark.parametrize(
    ("plugin", "wrong"),
    [
        ("doors", False),
        ({"doors": {"size": 3}}, False),
        ({"doors": None}, False),
        ({"doors": {"height": 3}}, True),
        ("plain", False),
        ({"plain": {}}, True),
        ({"stranger": {"anything": 1}}, False),
        ("unknown", True),
    ],
)
def test_plugins_take_their_own_options(plugin: Any, wrong: bool) -> None:
    assert errors(plugins=[plugin]) == (["$.plugins[0]"] if wrong else [])


def test_names_are_offered_and_no_others_forbidden() -> None:
    field = json_schema({"door": Door}, {}, {"protocol": ["tls", "ssh"]})["$defs"]["rule:door"]["properties"][
        "protocol"
    ]
    assert {"enum": ["ssh", "tls"]} in field["anyOf"]
    assert "x-pywall" not in field


def test_a_variable_stands_for_any_value() -> None:
    assert errors(vars={"limit": 5}, queue={"workers": "${limit}"}, mode="${mode}") == []
    assert errors(queue={"workers": "limit"}) != []


def test_the_schema_of_one_kind() -> None:
    schema = kind_schema(Door)
    assert (schema["required"], schema["description"]) == (["number"], "Packets of one protocol to one port.")
    assert schema["additionalProperties"] is False
