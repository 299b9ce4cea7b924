"""Values of nft's JSON, each in the form in which a policy writes it; what has none is refused with a reason."""

from __future__ import annotations

from typing import Any

import pytest

from pywall_core.cli.convert_matches import NoEqualError
from pywall_core.cli.convert_nft_values import (
    address_of,
    count_as_rule,
    element_of,
    limit_as_rule,
    number_range,
    port_of,
    values_of,
)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10.0.0.1", "10.0.0.1"),
        ({"prefix": {"addr": "10.0.0.0", "len": 8}}, "10.0.0.0/8"),
        ({"range": ["10.0.0.1", "10.0.0.9"]}, "10.0.0.1-10.0.0.9"),
    ],
)
def test_addresses(value: Any, expected: str) -> None:
    assert address_of(value) == expected


def test_ports_are_numbers() -> None:
    assert port_of(22) == 22
    assert port_of({"range": [8000, 8100]}) == "8000-8100"
    with pytest.raises(NoEqualError, match="port ssh by name; write its number"):
        port_of("ssh")


def test_one_value_or_a_set_of_them() -> None:
    assert values_of(22) == [22]
    assert values_of([22, 80]) == [22, 80]
    assert values_of({"set": [22, {"elem": {"val": 80, "timeout": 60}}]}) == [22, 80]
    assert element_of({"elem": {"val": "10.0.0.1", "comment": "home"}}) == "10.0.0.1"


def test_a_concatenation_has_no_equal() -> None:
    with pytest.raises(NoEqualError, match="concatenation"):
        number_range({"concat": ["10.0.0.1", 22]})


def test_limits_match_below_their_rate_and_ours_above_it() -> None:
    rate = {"rate": 10, "per": "second", "burst": 5}
    over = limit_as_rule({**rate, "inv": True})
    assert over["rule"] == "limit"
    assert limit_as_rule(rate) == {"not": over}
    with pytest.raises(NoEqualError, match="of: bytes"):
        limit_as_rule({**rate, "rate_unit": "kbytes"})


def test_counts_of_connections() -> None:
    over = {"rule": "limit", "concurrent": 20, "by": "all"}
    assert count_as_rule({"val": 20, "inv": True}) == over
    assert count_as_rule({"val": 20}) == {"not": over}
