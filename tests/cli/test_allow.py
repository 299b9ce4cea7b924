"""``allow`` changes the policy's sets, and says what a policy without them lacks."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.cli.common import FAILURE, OK

from .sets_of_policy import ALL_SETS, changes, policy_has


@pytest.mark.parametrize(("thing", "name"), [("192.0.2.0/24", "allowed"), ("fe80.example", "allowed-names")])
def test_addresses_and_names_go_to_their_sets(pywall: Any, firewall: Any, thing: str, name: str) -> None:
    policy_has(firewall, *ALL_SETS)
    assert pywall("allow", "--for", "10m", thing).code == OK
    assert changes(firewall) == [{"command": "set", "op": "add", "set": name, "entries": [thing], "for": 600.0}]


@pytest.mark.parametrize(
    ("thing", "remedy"),
    [
        ("192.0.2.7", "{rule: ip, src: '@allowed', action: ACCEPT}"),
        ("example.net", "{rule: domain, is: '@allowed-names', action: ACCEPT}"),
    ],
)
def test_a_policy_without_the_set_says_what_to_add(pywall: Any, firewall: Any, thing: str, remedy: str) -> None:
    policy_has(firewall)
    code, _, err = pywall("allow", thing)
    assert code == FAILURE
    assert remedy in err
    assert changes(firewall) == []
