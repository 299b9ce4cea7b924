"""``block``, ``allow`` and ``unblock`` change the policy's sets, and say what a policy without them lacks."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.cli.common import FAILURE, OK

ALL_SETS = ("blocked", "blocked-names", "allowed", "allowed-names")


def policy_has(firewall: Any, *names: str) -> None:
    firewall.answers["stats"] = {"ok": True, "stats": [{"sets": {name: {} for name in names}}]}
    firewall.answers["set"] = {"ok": True}


def changes(firewall: Any) -> list[dict[str, Any]]:
    return [request for request in firewall.requests if request["command"] == "set"]


@pytest.mark.parametrize(
    ("command", "thing", "name"),
    [
        ("block", "192.0.2.7", "blocked"),
        ("block", "2001:db8::/32", "blocked"),
        ("block", "example.net", "blocked-names"),
        ("allow", "192.0.2.0/24", "allowed"),
        ("allow", "fe80.example", "allowed-names"),
    ],
)
def test_addresses_and_names_go_to_their_sets(pywall: Any, firewall: Any, command: str, thing: str, name: str) -> None:
    policy_has(firewall, *ALL_SETS)
    assert pywall(command, "--for", "10m", thing).code == OK
    assert changes(firewall) == [{"command": "set", "op": "add", "set": name, "entries": [thing], "for": 600.0}]


def test_a_block_is_taken_back(pywall: Any, firewall: Any) -> None:
    policy_has(firewall, *ALL_SETS)
    assert pywall("unblock", "192.0.2.7", "example.net").code == OK
    assert [(each["op"], each["set"]) for each in changes(firewall)] == [
        ("delete", "blocked"),
        ("delete", "blocked-names"),
    ]


@pytest.mark.parametrize(
    ("command", "thing", "remedy"),
    [
        ("block", "192.0.2.7", "{rule: ip, src: '@blocked', action: DROP}"),
        ("block", "example.net", "{rule: domain, is: '@blocked-names', action: DROP}"),
        ("allow", "192.0.2.7", "{rule: ip, src: '@allowed', action: ACCEPT}"),
        ("allow", "example.net", "{rule: domain, is: '@allowed-names', action: ACCEPT}"),
    ],
)
def test_a_policy_without_the_set_says_what_to_add(
    pywall: Any, firewall: Any, command: str, thing: str, remedy: str
) -> None:
    policy_has(firewall)
    code, _, err = pywall(command, thing)
    assert code == FAILURE
    assert remedy in err
    assert changes(firewall) == []


def test_one_thing_that_fails_does_not_keep_the_others(pywall: Any, firewall: Any) -> None:
    policy_has(firewall, "blocked")
    code, _, err = pywall("block", "example.net", "192.0.2.7")
    assert code == FAILURE
    assert "no set 'blocked-names'" in err
    assert [each["entries"] for each in changes(firewall)] == [["192.0.2.7"]]


def test_without_a_firewall_nothing_is_tried_twice(pywall: Any, firewall: Any) -> None:
    firewall.runs = False
    code, _, err = pywall("block", "192.0.2.7", "192.0.2.8")
    assert code == FAILURE
    assert err.count("no firewall runs") == 1
