"""Sizes and gaps: the same figures as the standard library's, for any packets."""

from __future__ import annotations

import statistics
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pywall_core.offline.statistics import PacketStatistics
from pywall_core.packet.decode import decode
from pywall_core.testing import udp_packet

packets = st.lists(
    st.tuples(st.booleans(), st.integers(0, 1400), st.integers(0, 5000)), min_size=1, max_size=40
)  # direction, payload bytes, milliseconds since the packet before


@given(packets)
def test_every_column_is_what_its_name_says(described: list[tuple[bool, int, int]]) -> None:
    found = PacketStatistics(4)
    time, seen = 1_600_000_000_000, []
    for back, size, gap in described:
        time += gap
        ends = ("192.0.2.2", 2, "192.0.2.1", 1) if back else ("192.0.2.1", 1, "192.0.2.2", 2)
        packet = decode(udp_packet(*ends, bytes(size)), (time + 0.5) / 1000)
        found.add(packet)
        seen.append((back, size + 28, time))
    columns = found.columns()
    first = seen[0][0]
    for prefix, chosen in (
        ("bidirectional", seen),
        ("src2dst", [p for p in seen if p[0] == first]),
        ("dst2src", [p for p in seen if p[0] != first]),
    ):
        sizes = [size for _, size, _ in chosen]
        gaps = [later - before for (_, _, before), (_, _, later) in pairwise(chosen)]
        assert columns[f"{prefix}_packets"] == len(sizes)
        assert columns[f"{prefix}_bytes"] == sum(sizes)
        for name, values in (("ps", sizes), ("piat_ms", gaps)):
            assert columns[f"{prefix}_mean_{name}"] == pytest.approx(statistics.fmean(values) if values else 0)
            assert columns[f"{prefix}_min_{name}"] == min(values, default=0)
            assert columns[f"{prefix}_max_{name}"] == max(values, default=0)
            deviation = statistics.stdev(values) if len(values) > 1 else 0
            assert columns[f"{prefix}_stddev_{name}"] == pytest.approx(deviation, abs=1e-6)
    assert columns["splt_ps"] == [size for _, size, _ in seen[:4]]


def test_milliseconds_are_those_of_the_capture() -> None:
    found = PacketStatistics()
    found.add(decode(udp_packet("192.0.2.1", 1, "192.0.2.2", 2), 1642778258.433))
    assert found.columns()["bidirectional_first_seen_ms"] == 1642778258433
