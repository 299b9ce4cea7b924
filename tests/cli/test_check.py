"""``pywall check``, ``plugins`` and ``rules``."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml

POLICY = """plugins: [rules, stream]
failure: {all: open, stream: drop-flow}
chains:
  INPUT:
    - {all: [{rule: port, protocol: tcp, dst: 22}, {not: {rule: ip, src: 192.0.2.0/24}}], action: REJECT, comment: ssh}
    - {rule: tcp-state, is: CLOSED, action: DROP, observe: true}
    - {rule: always, action: more}
  more:
    - {rule: log}
default: {INPUT: DROP}
"""


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY)
    return file


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
    jsonschema.validate(yaml.safe_load(POLICY), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"chains": {"INPUT": [{"rule": "port", "dts": 1}]}}, schema)


def test_plugins_are_listed_in_order_and_others_are_not_imported(policy: Path) -> None:
    script = (
        "import sys; from pywall_core.cli import main; "
        f"main(['--plugins', 'list', '--config', {str(policy)!r}, '--json']); "
        "print('pywall_protocols' in sys.modules, 'pywall_rules' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    text, _, imported = done.stdout.rstrip().rpartition("\n")
    assert imported == "False True"
    rows = json.loads(text)["plugins"]
    assert [(row["position"], row["name"], row["state"]) for row in rows[:2]] == [
        (1, "rules", "loaded"),
        (2, "stream", "loaded"),
    ]
    assert rows[0]["distribution"] == "pywall-rules"
    assert rows[0]["version"]
    assert rows[0]["api"] == 1
    assert rows[0]["hooks"] == ["rules"]
    assert {"decided", "packet"} <= set(rows[1]["hooks"])
    others = {row["name"]: row for row in rows[2:]}
    assert others["tls"]["state"] == "installed"
    assert not any(row["position"] or row["hooks"] for row in others.values())


def test_plugins_of_a_bundle_are_listed_under_it(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.yaml"
    file.write_text("plugins: [stream, protocols, rules]\n")
    rows = json.loads(pywall("plugins", "list", "--config", file, "--json").out)["plugins"]
    named = [(row["position"], row["name"], row["state"]) for row in rows if not row["state"].startswith("loaded by")]
    assert named[:3] == [(1, "stream", "loaded"), (2, "protocols", "loaded"), (3, "rules", "loaded")]
    inside = [row for row in rows if row["state"] == "loaded by protocols"]
    assert {"tls", "ssh", "http"} <= {row["name"] for row in inside}
    assert all(row["position"] == 2 and "detect" in row["hooks"] for row in inside)
    assert rows[2] in inside
    shown = json.loads(pywall("plugins", "show", "tls", "--config", file, "--json").out)
    assert (shown["state"], shown["protocols"]) == ("loaded by protocols", ["tls"])


def test_plugins_list_is_a_table(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = pywall("plugins", "list", "--config", policy)
    assert code == 0
    assert out.splitlines()[0].split() == ["#", "name", "distribution", "version", "api", "state", "hooks"]
    assert out.splitlines()[1].split()[:3] == ["1", "rules", "pywall-rules"]


def test_a_plugin_that_cannot_be_used_is_listed_so(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "p.yaml"
    file.write_text("plugins: [{stream: {cheksum: auto}}]\n")
    code, out, err = pywall("plugins", "list", "--config", file, "--json")
    assert code == 3
    assert json.loads(out)["plugins"][0]["state"] in ("error", "not loaded")
    assert "did you mean 'checksum'" in json.loads(out)["errors"][0]
    assert err == ""


def test_plugins_show(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    shown = json.loads(pywall("plugins", "show", "stream", "--config", policy, "--json").out)
    assert shown["position"] == 2
    assert "segment" in shown["provides"]
    assert "checksum" in shown["options"]
    assert "it was not imported" in pywall("plugins", "show", "tls", "--config", policy).out
    code, _, err = pywall("plugins", "show", "straem", "--config", policy)
    assert code == 4
    assert "did you mean 'stream'" in err


def test_rules_lists_kinds_with_parameters(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    code, out, _ = pywall("rules", "--config", policy)
    assert code == 0
    assert any(line.split()[:3] == ["port", "rules", "Matches"] for line in out.splitlines())
    manual = pywall("rules", "knock", "--config", policy).out
    assert "Knocks" in manual
    assert "window" in manual
    described = json.loads(pywall("rules", "--json", "--config", policy).out)
    assert described["fact"]["schema"]["properties"]["glob"]["description"]
    assert described["tcp-state"]["requires"] == ["tcp-state"]


def test_rules_names_the_nearest_kind(pywall, policy: Path) -> None:  # type: ignore[no-untyped-def]
    code, _, err = pywall("rules", "prot", "--config", policy)
    assert code == 3
    assert "did you mean 'port'" in err
