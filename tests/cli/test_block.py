"""``block`` changes the policy's sets, and says what a policy without them lacks."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.cli.common import FAILURE, OK

from .sets_of_policy import ALL_SETS, changes, policy_has


@pytest.mark.parametrize(
    ("thing", "name"),
    [("192.0.2.7", "blocked"), ("2001:db8::/32", "blocked"), ("example.net", "blocked-names")],
)
def test_addresses_and_names_go_to_their_sets(pywall: Any, firewall: Any, thing: str, name: str) -> None:
    policy_has(firewall, *ALL_SETS)
    assert pywall("block", "--for", "10m", thing).code == OK
    assert changes(firewall) == [{"command": "set", "op": "add", "set": name, "entries": [thing], "for": 600.0}]


@pytest.mark.parametrize(
    ("thing", "remedy"),
    [
        ("192.0.2.7", "{rule: ip, src: '@blocked', action: DROP}"),
        ("example.net", "{rule: domain, is: '@blocked-names', action: DROP}"),
    ],
)
def test_a_policy_without_the_set_says_what_to_add(pywall: Any, firewall: Any, thing: str, remedy: str) -> None:
    policy_has(firewall)
    code, _, err = pywall("block", thing)
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
