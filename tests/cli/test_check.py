"""``pywall check``: errors of a policy, and what it comes to."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
import yaml


def test_check_says_what_a_policy_comes_to(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = pywall("check", policy)
    assert code == 0
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert lines[0] == f"{policy}: good"
    assert "plugins, in this order: rules, stream" in lines
    assert "INPUT[0] (port protocol=tcp dst=22 and not ip src=192.0.2.0/24) REJECT ssh" in lines
    assert "INPUT[1] tcp-state is=CLOSED DROP (observed)" in lines
    assert "INPUT[2] always -> more" in lines
    assert "more[0] log continue" in lines
    assert "end of a chain: INPUT: DROP, OUTPUT: ACCEPT" in lines
    bare_acks = "bare ACKs in a connection's first packets:"
    assert f"{bare_acks} queued, since INPUT[1] (tcp-state) is asked for every packet" in lines
    assert "the kernel's queue is full packets pass queue_full: accept" in lines
    assert "a TCP stream cannot be put in order the flow is dropped stream: drop-flow" in lines
    assert "a TCP connection's start was not seen it is inspected from there on midstream: inspect" in lines


def test_check_as_json(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    answer = json.loads(pywall("check", "--json", policy).out)
    assert answer["ok"] is True
    assert answer["plugins"] == ["rules", "stream"]
    assert answer["chains"]["INPUT"][0] == {
        "place": "INPUT[0]",
        "at": f"{policy}:5",
        "name": "",
        "if": "(port protocol=tcp dst=22 and not ip src=192.0.2.0/24)",
        "action": "REJECT",
        "observe": False,
        "comment": "ssh",
    }
    assert answer["config"]["failure"]["queue_full"] == "accept"


def test_warnings_are_said(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.yaml"
    file.write_text("queue: {hooks: [INPUT]}\nchains: {FORWARD: [], spare: []}\n")
    code, _, err = pywall("check", file)
    assert code == 0
    lines = err.splitlines()
    assert f"warning: {file}:2:10: chains.FORWARD: never asked when live: queue.hooks lacks FORWARD [W002]" in lines
    assert f"warning: {file}:2:23: chains.spare: never reached: no rule jumps here [W003]" in lines
    assert lines[1:3] == ["    chains: {FORWARD: [], spare: []}", "             ^"]


def test_policies(pywall) -> None:  # type: ignore[no-untyped-def]
    found = json.loads(pywall("check", "--policies", "--json").out)
    assert {"default", "allow-known", "block-unknown-encrypted", "host-firewall", "gateway"} <= set(found)
    assert "host-firewall" in pywall("check", "--policies").out


@pytest.mark.parametrize("name", ["default", "allow-known", "host-firewall"])
def test_ready_made_policies_are_good(pywall, name: str) -> None:  # type: ignore[no-untyped-def]
    code, _, err = pywall("check", "--config", f"policy:{name}")
    assert code == 0, err


def test_schema_knows_the_kinds_of_the_named_plugins(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    schema = json.loads(pywall("check", "--schema", "--config", policy).out)
    assert schema["$schema"].endswith("2020-12/schema")
    port = schema["$defs"]["rule:port"]
    assert port["properties"]["rule"] == {"const": "port"}
    assert port["additionalProperties"] is False
    assert "description" in port["properties"]["dst"]
    assert {"const": "stream"} in schema["properties"]["plugins"]["items"]["anyOf"]
    references = {text.partition('"')[0] for text in json.dumps(schema).split('"#/$defs/')[1:]}
    assert references <= set(schema["$defs"])


def test_schema_offers_the_facts_and_protocols_of_the_named_plugins(pywall) -> None:  # type: ignore[no-untyped-def]
    schema = json.loads(pywall("check", "--schema", "--config", "policy:allow-known").out)
    assert "tls.sni" in schema["$defs"]["rule:fact"]["properties"]["name"]["anyOf"][0]["enum"]
    assert "ssh" in schema["$defs"]["rule:app"]["properties"]["is"]["anyOf"][0]["enum"]
    rule = {"rule": "app", "is": ["ssh", "one.of.my.own"], "action": "DROP", "name": "x", "enabled": False}
    jsonschema.validate({"vars": {"a": 1}, "include": "x.yaml", "chains": {"INPUT": [rule]}}, schema)


def test_schema_describes_this_very_policy(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    schema = json.loads(pywall("check", "--schema", "--config", policy).out)
    jsonschema.validate(yaml.safe_load(policy.read_text()), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"chains": {"INPUT": [{"rule": "port", "dts": 1}]}}, schema)
