"""Community ID, version 1: as its specification's baseline, and the same for both directions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.events.community import community_id


@pytest.mark.parametrize(
    ("proto", "src", "sport", "dst", "dport", "known"),
    [
        # the first four from the specification's baseline, github.com/corelight/community-id-spec
        (6, "128.232.110.120", 34855, "66.35.250.204", 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (6, "66.35.250.204", 80, "128.232.110.120", 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
        (17, "192.168.1.52", 54585, "8.8.8.8", 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ="),
        (1, "192.168.0.89", 8, "192.168.0.1", 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk="),
    ],
)
def test_community_id_baseline(proto: int, src: str, sport: int, dst: str, dport: int, known: str) -> None:
    packed = [bytes(map(int, address.split("."))) for address in (src, dst)]
    assert community_id(proto, *packed, sport, dport) == known


@given(
    st.binary(min_size=4, max_size=4), st.binary(min_size=4, max_size=4), st.integers(0, 65535), st.integers(0, 65535)
)
def test_community_id_is_the_same_for_both_directions(a: bytes, b: bytes, c: int, d: int) -> None:
    for proto in (6, 17, 132, 47):
        assert community_id(proto, a, b, c, d) == community_id(proto, b, a, d, c)
    assert community_id(1, a, b, 8, 0) == community_id(1, b, a, 0, 0)
    assert community_id(58, a, b, 128, 0) == community_id(58, b, a, 129, 0)
