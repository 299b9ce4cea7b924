"""``pywall convert`` reads rulesets of nftables, as JSON and as text, and says what has no equal."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pywall_core.cli import main
from pywall_core.cli.convert_nft import convert, looks_like_nft

pytest.importorskip("pywall_rules")
ACCEPT, DROP = {"accept": None}, {"drop": None}


def payload(protocol: str, field: str, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"payload": {"protocol": protocol, "field": field}}, "right": right}}


def meta(key: str, right: Any, op: str = "==") -> dict[str, Any]:
    return {"match": {"op": op, "left": {"meta": {"key": key}}, "right": right}}


def state(*states: str) -> dict[str, Any]:
    return {"match": {"op": "in", "left": {"ct": {"key": "state"}}, "right": [*states]}}


def ruleset(*rules: list[dict[str, Any]], more: list[dict[str, Any]] | None = None, family: str = "inet") -> str:
    place = {"family": family, "table": "filter"}
    base = {**place, "name": "input", "type": "filter", "hook": "input", "prio": 0, "policy": "drop"}
    found: list[dict[str, Any]] = [{"metainfo": {}}, {"table": {"family": family, "name": "filter"}}, {"chain": base}]
    found += more or []
    found += [{"rule": {**place, "chain": "input", "expr": [*rule, {"counter": {"packets": 1}}]}} for rule in rules]
    return json.dumps({"nftables": found})


def rules(*given: list[dict[str, Any]], **more: Any) -> list[dict[str, Any]]:
    converted = convert(ruleset(*given, **more))
    assert converted.notes == []
    chain: list[dict[str, Any]] = converted.data["chains"]["INPUT"]
    return chain


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ([meta("iif", "lo"), ACCEPT], {"rule": "iface", "in": "lo", "action": "ACCEPT"}),
        ([meta("oifname", {"set": ["eth0", "w*"]}), DROP], {"rule": "iface", "out": ["eth0", "w*"], "action": "DROP"}),
        ([state("established", "related"), ACCEPT], {"rule": "flow", "initiator": "local", "action": "ACCEPT"}),
        ([meta("l4proto", "ipv6-icmp"), ACCEPT], {"rule": "protocol", "is": "icmpv6", "action": "ACCEPT"}),
        (
            [payload("tcp", "dport", {"set": [22, {"range": [8000, 8100]}]}), ACCEPT],
            {"rule": "port", "protocol": "tcp", "dst": [22, "8000-8100"], "action": "ACCEPT"},
        ),
        ([payload("th", "sport", 53), DROP], {"rule": "port", "src": 53, "action": "DROP"}),
        (
            [payload("ip", "saddr", {"prefix": {"addr": "10.0.0.0", "len": 8}}, "!="), {"reject": {"type": "tcp"}}],
            {
                "all": [{"rule": "ip", "src": "0.0.0.0/0"}, {"not": {"rule": "ip", "src": "10.0.0.0/8"}}],
                "action": "REJECT",
            },
        ),
        (
            [payload("ip6", "daddr", {"range": ["2001:db8::1", "2001:db8::9"]}), DROP],
            {"rule": "ip", "dst": "2001:db8::1-2001:db8::9", "action": "DROP"},
        ),
        ([meta("nfproto", "ipv6"), DROP], {"rule": "ip", "src": "::/0", "action": "DROP"}),
        ([ACCEPT], {"rule": "always", "action": "ACCEPT"}),
        ([{"log": {"prefix": "refused: "}}], {"rule": "log", "message": "refused:"}),
        (
            [{"limit": {"rate": 10, "burst": 5, "per": "minute", "inv": True}}, DROP],
            {"rule": "limit", "over": "10/m", "of": "packets", "by": "all", "burst": 5, "action": "DROP"},
        ),
        (
            [{"ct count": {"val": 20, "inv": True}}, DROP],
            {"rule": "limit", "concurrent": 20, "by": "all", "action": "DROP"},
        ),
    ],
)  # fmt: skip
def test_what_has_an_equal(given: list[dict[str, Any]], expected: dict[str, Any], tmp_path: Path) -> None:
    assert rules(given) == [expected]
    file = tmp_path / "ruleset.json"
    file.write_text(ruleset(given))
    assert main(["convert", "--json", str(file)]) == 0


def test_users_and_cgroups_are_asked_of_the_plugin_process() -> None:
    cgroup = {"match": {"op": "==", "left": {"socket": {"key": "cgroupv2", "level": 1}}, "right": "system.slice"}}
    converted = convert(ruleset([meta("skuid", {"range": [1000, 1999]}), ACCEPT], [cgroup, DROP]))
    assert converted.data["plugins"] == ["rules", "process"]
    assert converted.data["chains"]["INPUT"] == [
        {"rule": "user", "is": "1000-1999", "action": "ACCEPT"},
        {"rule": "cgroup", "path": ["/system.slice", "/system.slice/*"], "action": "DROP"},
    ]


def test_named_sets_stay_named() -> None:
    place = {"family": "inet", "table": "filter"}
    elements = ["192.0.2.1", {"elem": {"val": {"prefix": {"addr": "198.51.100.0", "len": 24}}, "timeout": 60}}]
    more = [
        {"set": {**place, "name": "blocked", "type": "ipv4_addr", "elem": elements}},
        {"set": {**place, "name": "pairs", "type": ["ipv4_addr", "inet_service"]}},
    ]
    converted = convert(
        ruleset([payload("ip", "saddr", "@blocked"), DROP], [payload("ip", "saddr", "@pairs"), DROP], more=more)
    )
    assert converted.data["sets"] == {"blocked": {"type": "addresses", "entries": ["192.0.2.1", "198.51.100.0/24"]}}
    assert converted.data["chains"]["INPUT"] == [{"rule": "ip", "src": "@blocked", "action": "DROP"}]
    assert "the set pairs is of a type that has no equal" in converted.notes[0]


def test_jumps_and_verdict_maps_are_spread_out() -> None:
    place = {"family": "inet", "table": "filter", "chain": "wg"}
    dns = {"rule": {**place, "expr": [payload("udp", "dport", 53), ACCEPT]}}
    back = {"rule": {**place, "expr": [{"counter": {}}, {"return": None}]}}
    chain = {"chain": {"family": "inet", "table": "filter", "name": "wg"}}
    vmap = {
        "vmap": {"key": {"payload": {"protocol": "tcp", "field": "dport"}}, "data": {"set": [[1, ACCEPT], [2, DROP]]}}
    }
    jump = {"jump": {"target": "wg"}}
    assert rules([meta("iifname", "wg0"), jump], [vmap], more=[chain, dns, back]) == [
        {
            "all": [{"rule": "iface", "in": "wg0"}, {"rule": "port", "protocol": "udp", "dst": 53}],
            "action": "ACCEPT",
        },
        {"rule": "port", "protocol": "tcp", "dst": 1, "action": "ACCEPT"},
        {"rule": "port", "protocol": "tcp", "dst": 2, "action": "DROP"},
    ]


def test_a_port_that_is_another_one_is_still_of_its_protocol() -> None:
    not_ssh = {"not": {"rule": "port", "protocol": "tcp", "dst": 22}}
    expected = {"all": [{"rule": "protocol", "is": "tcp"}, not_ssh], "action": "ACCEPT"}
    assert rules([payload("tcp", "dport", 22, "!="), ACCEPT]) == [expected]


def test_what_returns_or_goes_elsewhere_meets_no_later_rule() -> None:
    ssh, web = payload("tcp", "dport", 22), payload("tcp", "dport", 80)
    place = {"family": "inet", "table": "filter", "chain": "other"}
    more = [
        {"chain": {"family": "inet", "table": "filter", "name": "other"}},
        {"rule": {**place, "expr": [web, ACCEPT]}},
    ]
    without_ssh = [{"not": {"rule": "port", "protocol": "tcp", "dst": 22}}]
    assert rules([ssh, {"return": None}], [ACCEPT]) == [{**without_ssh[0], "action": "ACCEPT"}]
    is_ssh, is_web = ({"rule": "port", "protocol": "tcp", "dst": port} for port in (22, 80))
    assert rules([ssh, {"goto": {"target": "other"}}], [ACCEPT], more=more) == [
        {"all": [is_ssh, is_web], "action": "ACCEPT"},
        {**without_ssh[0], "action": "ACCEPT"},
    ]


def test_a_family_is_a_condition() -> None:
    assert rules([payload("tcp", "dport", 22), ACCEPT], family="ip") == [
        {
            "all": [{"rule": "ip", "src": "0.0.0.0/0"}, {"rule": "port", "protocol": "tcp", "dst": 22}],
            "action": "ACCEPT",
        }
    ]


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([state("invalid"), DROP], "the plugin `stream` drops invalid segments by itself"),
        ([payload("icmpv6", "type", "echo-request"), ACCEPT], "payload icmpv6 type has no equal"),
        ([payload("tcp", "dport", "ssh"), ACCEPT], "the port ssh by name"),
        ([{"limit": {"rate": 1, "per": "second", "rate_unit": "mbytes"}}, DROP], "a rate in bytes"),
        ([{"mangle": {}}, ACCEPT], "mangle has no equal"),
        ([payload("ip", "saddr", {"concat": ["a", "b"]}), DROP], "a concatenation has no equal"),
        ([meta("iif", "lo"), {"log": None}], "`log` takes no conditions"),
        ([{"vmap": {"key": {"ct": {"key": "state"}}, "data": {"set": [["invalid", DROP]]}}}], "rule 1, invalid"),
        (
            [{"match": {"op": ">", "left": {"meta": {"key": "length"}}, "right": 9}}, DROP],
            "the comparison > has no equal",
        ),
    ],
)
def test_what_has_no_equal_is_said(given: list[dict[str, Any]], says: str) -> None:
    converted = convert(ruleset(given))
    assert converted.data["chains"]["INPUT"] == []
    assert len(converted.notes) == 1
    assert converted.notes[0].startswith("filter input, rule 1")
    assert says in converted.notes[0]


def test_chains_of_one_hook_are_joined_and_other_tables_left() -> None:
    base = {"family": "inet", "table": "early", "type": "filter", "hook": "input", "prio": -10, "name": "first"}
    nat = {"family": "ip", "table": "nat", "name": "post", "type": "nat", "hook": "postrouting", "prio": 100}
    converted = convert(ruleset(more=[{"chain": base}, {"chain": nat}]))
    assert converted.data["default"] == {"INPUT": "DROP"}
    assert converted.notes == [
        "INPUT: early first, filter input are one chain now, and an accept in the first is the last word"
    ]


@pytest.mark.parametrize(
    "text",
    [
        '{"nftables": 7}',
        '{"nftables": [{"rule": {}}]}',
        '{"nftables": [',
        ruleset()[:-2].replace('"input"', '"ingress"') + "]}",
    ],
)
def test_what_is_no_ruleset_is_refused(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    assert looks_like_nft(text)
    assert main(["convert", str(file)]) == 3
    assert "no ruleset of nftables" in capsys.readouterr().err


TEXT = """#!/usr/sbin/nft -f
flush ruleset
table inet filter {
  set friends { type ipv4_addr; flags interval; elements = { 192.0.2.0/24 } }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    ip saddr @friends tcp dport { 22, 443 } accept comment "friends"
  }
}
"""


def test_text_is_read_by_nft_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    if subprocess.run(["unshare", "-n", "nft", "list", "ruleset"], capture_output=True).returncode:
        pytest.skip("needs nft, and a network namespace")
    file = tmp_path / "nftables.conf"
    file.write_text(TEXT)
    assert main(["convert", str(file)]) == 0
    assert yaml.safe_load(capsys.readouterr().out) == {
        "version": 1,
        "plugins": ["rules"],
        "sets": {"friends": {"type": "addresses", "entries": ["192.0.2.0/24"]}},
        "chains": {
            "INPUT": [
                {"rule": "flow", "initiator": "local", "action": "ACCEPT"},
                {
                    "all": [
                        {"rule": "ip", "src": "@friends"},
                        {"rule": "port", "protocol": "tcp", "dst": [22, 443]},
                    ],
                    "action": "ACCEPT",
                    "comment": "friends",
                },
            ]
        },
        "default": {"INPUT": "DROP"},
    }
    file.write_text(TEXT.replace("tcp dport", "tcp door"))
    assert main(["convert", str(file)]) == 3
    assert "nft: " in capsys.readouterr().err
