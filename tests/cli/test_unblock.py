"""``unblock`` takes back what ``block`` has done."""

from __future__ import annotations

from typing import Any

from pywall_core.cli.common import OK

from .sets_of_policy import ALL_SETS, changes, policy_has


def test_a_block_is_taken_back(pywall: Any, firewall: Any) -> None:
    policy_has(firewall, *ALL_SETS)
    assert pywall("unblock", "192.0.2.7", "example.net").code == OK
    assert [(each["op"], each["set"]) for each in changes(firewall)] == [
        ("delete", "blocked"),
        ("delete", "blocked-names"),
    ]
