"""``pywall convert``: every rule of the ancestors, and what they got wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pywall_core.cli.convert_ancestors import PARAMETERS


@pytest.fixture
def convert(pywall, tmp_path: Path):  # type: ignore[no-untyped-def]
    def run(config: object) -> tuple[int, dict[str, Any], str]:
        file = tmp_path / "old.json"
        file.write_text(config if isinstance(config, str) else json.dumps(config, indent=4))
        code, out, err = pywall("convert", file)
        return code, yaml.safe_load(out) if out else {}, err.replace(f"{tmp_path}/", "")

    return run


def rules(convert, *old: dict[str, Any]) -> list[dict[str, Any]]:  # type: ignore[no-untyped-def]
    code, new, err = convert({"INPUT": list(old)})
    assert (code, err) == (0, "")
    found: list[dict[str, Any]] = new["chains"]["INPUT"]
    return found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            {"name": "SourceIPRule", "cidr_range": "10.0.0.0/8", "action": "DROP"},
            {"rule": "ip", "src": "10.0.0.0/8", "action": "DROP"},
        ),
        (
            {"name": "DestinationIPRule", "cidr_range": "10.0.0.1", "action": "ACCEPT"},
            {"rule": "ip", "dst": "10.0.0.1", "action": "ACCEPT"},
        ),
        (
            {"name": "PortRule", "protocol": "UDP", "src_port": 53},
            {"rule": "port", "protocol": "udp", "src": 53, "action": "DROP"},
        ),
        (
            {"name": "PortRule", "protocol": "TCP", "src_port": 1, "dst_port": 2, "action": "ACCEPT"},
            {"rule": "port", "protocol": "tcp", "src": 1, "dst": 2, "action": "ACCEPT"},
        ),
        (
            {"name": "PortRangeRule", "protocol": "TCP", "dst_lo": 49152, "dst_hi": 65535, "action": "DROP"},
            {"rule": "port", "protocol": "tcp", "dst": "49152-65535", "action": "DROP"},
        ),
        (
            {"name": "PortRangeRule", "protocol": "TCP", "action": "DROP"},
            {"rule": "protocol", "is": "tcp", "action": "DROP"},
        ),
        (
            {
                "name": "IPPortRule",
                "protocol": "TCP",
                "dst_lo": 22,
                "dst_hi": 22,
                "src_ip": "1.2.3.4",
                "action": "DROP",
            },
            {
                "all": [{"rule": "port", "protocol": "tcp", "dst": 22}, {"rule": "ip", "src": "1.2.3.4"}],
                "action": "DROP",
            },
        ),
        ({"name": "TCPRule", "action": "DROP"}, {"rule": "protocol", "is": "tcp", "action": "DROP"}),
        (
            {"name": "TCPStateRule", "match_if": ["CLOSED"], "action": "DROP"},
            {"rule": "tcp-state", "is": ["CLOSED"], "action": "DROP"},
        ),
        (
            {"name": "TCPStateRule", "match_if_not": ["ESTABLISHED", "SYN_RCVD1"], "action": "DROP"},
            {"rule": "tcp-state", "not": ["ESTABLISHED", "SYN_RCVD1"], "action": "DROP"},
        ),
        ({"name": "PrintRule"}, {"rule": "log", "each": "packet", "message": "packet"}),
        ({"name": "TrueRule", "action": "DROP"}, {"rule": "always", "action": "DROP"}),
        (
            {
                "name": "PortKnocking",
                "src_port": 9001,
                "protocol": "TCP",
                "port": 2222,
                "timeout": 20,
                "doors": [["TCP", 49001], ["UDP", 49011]],
            },
            {
                "rule": "knock",
                "protocol": "tcp",
                "port": 2222,
                "doors": ["49001/tcp", "49011/udp"],
                "window": 20,
                "grant": 20,
                "src_port": 9001,
                "action": "ACCEPT",
            },
        ),
    ],
)
def test_every_rule(convert, old: dict[str, Any], new: dict[str, Any]) -> None:  # type: ignore[no-untyped-def]
    assert rules(convert, old) == [new]


def test_the_rest_of_a_converted_file(convert, pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    old = {
        "default_chain": "DROP",
        "INPUT": [{"name": "TCPRule", "action": "web"}, {"name": "PrintRule"}],
        "web": [{"name": "PortRule", "protocol": "TCP", "dst_port": 80, "action": "ACCEPT"}],
    }
    _, new, _ = convert(old)
    assert new["queue"] == {"hooks": ["INPUT", "OUTPUT"], "loopback": True}
    assert new["default"] == {"INPUT": "DROP", "OUTPUT": "ACCEPT"}
    assert new["chains"]["INPUT"][0] == {"rule": "protocol", "is": "tcp", "action": "web"}
    assert list(new["chains"]) == ["INPUT", "web"]


def test_what_is_converted_passes_the_check(pywall, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    old = tmp_path / "old.json"
    knock = {"name": "PortKnocking", "protocol": "TCP", "port": 22, "src_port": 1, "doors": [["TCP", 2], ["UDP", 3]]}
    state = {"name": "TCPStateRule", "match_if": ["CLOSED"], "action": "DROP"}
    old.write_text(json.dumps({"INPUT": [{"name": "PrintRule"}, knock, state]}))
    new = tmp_path / "new.yaml"
    new.write_text(pywall("convert", old).out)
    code, _, err = pywall("check", new)
    assert (code, err) == (0, "")
    assert json.loads(pywall("convert", old, "--json").out) == yaml.safe_load(new.read_text())


def test_a_chain_named_after_another_hook_does_not_become_that_hooks(convert) -> None:  # type: ignore[no-untyped-def]
    _, new, _ = convert({"INPUT": [{"name": "TCPRule", "action": "OUTPUT"}], "OUTPUT": [{"name": "TrueRule"}]})
    assert new["chains"]["INPUT"][0]["action"] == "CHAIN_OUTPUT"
    assert "OUTPUT" not in new["chains"]


def test_a_chain_that_nothing_leads_to_is_left_out_and_said(convert) -> None:  # type: ignore[no-untyped-def]
    _, new, err = convert({"INPUT": [], "lost": [{"name": "TrueRule"}]})
    assert list(new["chains"]) == ["INPUT"]
    assert err == "old.json: chain lost is left out: no rule leads there\n"


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"INPUT": [{"name": "PortFilter"}]}, "INPUT[0].name: there is no rule 'PortFilter'; did you mean 'PortR"),
        ({"INPUT": [{"name": "TCPStateRul"}]}, "did you mean 'TCPStateRule'"),
        ({"INPUT": [{"name": "PortRule", "protocol": "TCP", "dport": 1}]}, "PortRule has no parameter 'dport'"),
        ({"INPUT": [{"name": "PortRule", "dst_port": 1}]}, "PortRule: 'protocol' is missing"),
        ({"INPUT": [{"name": "PortRule", "protocol": "SCTP"}]}, "'SCTP' is neither TCP nor UDP"),
        ({"INPUT": [{"name": "TCPRule", "action": "DORP"}]}, "'DORP' is neither an action nor a chain"),
        ({"INPUT": [{"name": "TCPStateRule"}]}, "exactly one of 'match_if' and 'match_if_not'"),
        ({"INPUT": [{"name": "PortKnocking", "protocol": "TCP", "port": 1, "doors": 3}]}, "PortKnocking: "),
        ({"INPUT": ["TCPRule"]}, "there is no rule None"),
        ({"INPUT": {}}, "INPUT: a chain is a list of rules"),
        ({"default_chain": "INPUT", "INPUT": []}, "'INPUT' is neither ACCEPT nor DROP"),
        ([], "should be an object"),
        ('{"INPUT": [,]}', "old.json:1:12: not JSON"),
        ('{"INPUT": [], "INPUT": []}', "duplicate key 'INPUT'"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_refusals_are_lines_and_three(convert, config: object, words: str) -> None:  # type: ignore[no-untyped-def]
    code, new, err = convert(config)
    assert (code, new) == (3, {})
    assert words in err
    assert len(err.splitlines()) == 1


def test_errors_come_together_with_their_lines(convert) -> None:  # type: ignore[no-untyped-def]
    _, _, err = convert({"INPUT": [{"name": "A"}, {"name": "B"}]})
    assert [line.split(":")[1] for line in err.splitlines()] == ["4", "7"]


def test_entropy_rule_needs_hedge(convert, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    rule = {"INPUT": [{"name": "EntropyRule", "action": "DROP"}]}
    monkeypatch.setattr("pywall_core.cli.convert_ancestors.entry_points", lambda **_: [])
    code, _, err = convert(rule)
    assert code == 3
    assert "needs the plugin 'hedge', which is not installed: pip install pywall-hedge" in err
    monkeypatch.setattr("pywall_core.cli.convert_ancestors.entry_points", lambda **_: ["hedge"])
    code, new, _ = convert(rule)
    assert code == 0
    assert new["plugins"] == ["rules", "stream", "protocols", "hedge"]
    assert new["chains"]["INPUT"] == [
        {"rule": "app", "is": "ssh", "action": "DROP"},
        {"rule": "payload", "is": "encrypted", "min_entropy": 5.0, "action": "DROP"},
    ]


def test_every_ancestors_rule_is_tested_here() -> None:
    text = Path(__file__).read_text()
    assert all(f'"{name}"' in text for name in PARAMETERS)
