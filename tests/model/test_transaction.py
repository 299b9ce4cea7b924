"""Transactions and matches: their constructors are written out, since many are made; each keeps what it is given."""

from __future__ import annotations

from dataclasses import fields, replace

import pytest

from pywall_core.model.transaction import Transaction
from pywall_core.model.verdict import Match


@pytest.mark.parametrize("make", [lambda: Transaction(0), lambda: Match("http")])
def test_facts_are_not_shared(make) -> None:
    one, other = make(), make()
    one.facts["path"] = "/"
    assert other.facts == {}


TRANSACTION = Transaction(3, {"path": "/"}, True, "length")
MATCH = Match("http", {"path": "/"}, False, False, (1, 2), "odd", dict)


@pytest.mark.parametrize(
    ("one", "change", "equal"),
    [
        (TRANSACTION, {"number": 4}, False),
        (TRANSACTION, {"facts": {}}, False),
        (TRANSACTION, {"complete": False}, False),
        (TRANSACTION, {"anomaly": ""}, False),
        (MATCH, {"protocol": "smtp"}, False),
        (MATCH, {"facts": {}}, False),
        (MATCH, {"confirmed": True}, False),
        (MATCH, {"done": True}, False),
        (MATCH, {"restart": None}, False),
        (MATCH, {"anomaly": ""}, False),
        (MATCH, {"describe": None}, True),
    ],
)
def test_a_copy_differs_in_what_is_replaced(one, change, equal) -> None:
    assert replace(one) == one
    assert repr(replace(one)) == repr(one)
    other = replace(one, **change)
    assert {name: getattr(other, name) for name in change} == change
    assert (other == one) is equal
    assert {field.name for field in fields(one) if getattr(other, field.name) != getattr(one, field.name)} == {*change}
