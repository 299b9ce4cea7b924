"""A row a flow: the columns that every row has, facts under their dotted names, statistics on request."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pywall_core.config import load
from pywall_core.engine.engine import build_engine
from pywall_core.offline.flow_rows import COLUMNS, FlowRows
from pywall_core.offline.replay import Hooks, replay

DATA = Path(__file__).parents[1] / "data" / "mixed.pcap"


def rows_of(path: Path, first_packets: int | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    rows = FlowRows(found.append, first_packets)
    engine = build_engine(load(), live=False, sink=rows.event, pcap_filename=str(path))
    rows.watch(engine)
    replay(engine, path, Hooks(), seen=rows.seen)
    return found


def test_every_flow_has_a_row_with_its_facts_under_their_names() -> None:
    rows = rows_of(DATA)
    assert [row["app_proto"] for row in rows] == ["tls", "ssh", "http", "http", "dns"]
    for row in rows:
        assert list(row)[: len(COLUMNS)] == list(COLUMNS)
        assert row["capture"] == str(DATA)
        assert row["verdict"] == "accept"
    tls = rows[0]
    assert (tls["tls.sni"], tls["confirmed"], tls["dest_port"]) == ("tls.example", True, 4433)
    assert tls["duration"] == pytest.approx(tls["end"] - tls["start"])


def test_statistics_are_those_of_the_packets() -> None:
    """The columns of one flow, reckoned apart from the packets' lengths and times."""
    tls = rows_of(DATA, 3)[0]
    assert tls["bidirectional_packets"] == tls["pkts_toserver"] + tls["pkts_toclient"]
    assert tls["bidirectional_bytes"] == tls["bytes_toserver"] + tls["bytes_toclient"]
    assert tls["src2dst_mean_ps"] == pytest.approx(tls["bytes_toserver"] / tls["pkts_toserver"])
    assert tls["splt_direction"] == [0, 1, 0]
    assert len(tls["splt_ps"]) == len(tls["splt_piat_ms"]) == 3
    assert tls["bidirectional_min_ps"] <= tls["bidirectional_mean_ps"] <= tls["bidirectional_max_ps"]
    assert tls["src2dst_syn_packets"] == tls["dst2src_syn_packets"] == 1
