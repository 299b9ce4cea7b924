"""``pywall convert`` tells languages apart by their text, writes a rule a line, and says what has no equal."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pywall_core.cli import main
from pywall_core.cli.common import CONFIGURATION, OK
from pywall_core.cli.convert import to_yaml
from pywall_core.config import loads

IPTABLES = "*filter\n:INPUT DROP [0:0]\n-A INPUT -p tcp --dport 22 -j ACCEPT\nCOMMIT\n"
NFT = {
    "nftables": [
        {"table": {"family": "inet", "name": "f", "handle": 1}},
        {
            "chain": {
                "family": "inet",
                "table": "f",
                "name": "input",
                "handle": 1,
                "type": "filter",
                "hook": "input",
                "prio": 0,
                "policy": "drop",
            }
        },
    ]
}
ANCESTOR = {"INPUT": [{"name": "TCPRule", "action": "ACCEPT"}], "default_chain": "DROP"}


@pytest.fixture
def convert(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Convert a text; return exit code, standard output and standard error."""

    def run(text: str, *options: str) -> tuple[int, str, str]:
        path = tmp_path / "rules"
        path.write_text(text)
        code = main(["convert", *options, str(path)])
        return code, *capsys.readouterr()

    return run


@pytest.mark.parametrize("text", [IPTABLES, json.dumps(NFT), json.dumps(ANCESTOR)])
def test_each_language_is_told_by_its_text_and_becomes_a_policy_that_loads(convert: Any, text: str) -> None:
    code, out, _ = convert(text)
    assert code == OK
    assert out.startswith("# converted from rules\nversion: 1\n")
    assert "INPUT" in loads(out.encode(), "converted.yaml").chains


@pytest.mark.parametrize("text", [IPTABLES, json.dumps(NFT), json.dumps(ANCESTOR)])
def test_as_json_it_is_the_same_policy(convert: Any, text: str) -> None:
    _, written, _ = convert(text)
    _, as_json, _ = convert(text, "--json")
    assert json.loads(as_json) == yaml.safe_load(written)


def test_a_rule_is_a_line() -> None:
    rules = [{"rule": "ip", "src": "192.0.2.0/24", "action": "DROP"}, {"rule": "always", "action": "ACCEPT"}]
    text = to_yaml({"chains": {"INPUT": rules, "SPARE": []}, "default": "DROP"}, "/some/where/old.rules")
    assert text.splitlines() == [
        "# converted from old.rules",
        "version: 1",
        "chains:",
        "  INPUT:",
        "    - {rule: ip, src: 192.0.2.0/24, action: DROP}",
        "    - {rule: always, action: ACCEPT}",
        "  SPARE: []",
        "default: DROP",
    ]


def test_what_has_no_equal_is_said_with_the_file(convert: Any, tmp_path: Path) -> None:
    code, out, errors = convert(
        "*nat\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-mark 1\nCOMMIT\n" + IPTABLES
    )
    assert code == OK
    assert f"{tmp_path / 'rules'}: table nat" in errors
    assert "nat" not in out


def test_a_broken_nft_ruleset_is_a_configuration_error(convert: Any, tmp_path: Path) -> None:
    code, out, errors = convert(json.dumps({"nftables": [{"chain": 5}]}))
    assert (code, out) == (CONFIGURATION, "")
    assert f"{tmp_path / 'rules'}: no ruleset of nftables" in errors
