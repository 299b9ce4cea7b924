"""Many named sets in one table: what each of them says, also while entries come and go."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.chain.set_members import MIN_SETS, SetMembers
from pywall_core.model.named_set import TYPES, NamedSet, SetType

ENTRIES: dict[SetType, list[Any]] = {
    "addresses": ["10.0.0.1", "10.0.0.0/24", "10.0.0.0/8", "0.0.0.0/0", "2001:db8::1", "2001:db8::/32", "::/0"],
    "ports": [22, "20-30", "1-65535", "443-443"],
    "names": ["example.com", "=example.com", "com", "www.example.com"],
    "strings": ["a", "1", "A"],
}
VALUES: dict[SetType, list[Any]] = {
    "addresses": [bytes([10, 0, 0, 1]), bytes([10, 9, 9, 9]), bytes([192, 0, 2, 1]), b"\x20\x01\x0d\xb8" + bytes(12)],
    "ports": [22, 25, 443, 0],
    "names": ["example.com", "www.EXAMPLE.com.", "a.www.example.com", "org"],
    "strings": ["a", 1, "b"],
}


@given(st.data())
@pytest.mark.parametrize("kind", TYPES)
def test_it_says_what_the_sets_say(kind: SetType, data: Any) -> None:
    sets: list[NamedSet] = [TYPES[kind](f"s{n}", 100) for n in range(MIN_SETS)]
    entries, numbers = st.sampled_from(ENTRIES[kind]), st.integers(0, MIN_SETS - 1)
    for n, entry in data.draw(st.lists(st.tuples(numbers, entries), max_size=12)):
        sets[n].add(entry)
    members = SetMembers([(one, [n]) for n, one in enumerate(sets)])
    for what, n, entry in data.draw(st.lists(st.tuples(st.sampled_from("adrs"), numbers, entries), max_size=12)):
        if what == "a":
            sets[n].add(entry, data.draw(st.sampled_from([inf, 5.0])))
        elif what == "d":
            sets[n].delete(entry)
        elif what == "r":
            sets[n].replace([entry])
        else:
            sets[n].sweep(10.0)
        for value in VALUES[kind]:
            assert sorted({n for found in members.find(value) for n in found}) == [
                n for n, one in enumerate(sets) if value in one
            ]
