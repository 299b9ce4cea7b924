"""The dashboard and the pages ask only for metrics that exist, and the README lists all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from pywall_metrics.families import families

from pywall_core.testing import engine

ROOT = Path(__file__).parents[3]
README = Path(__file__).parents[1] / "README.md"
DASHBOARD = ROOT / "docs" / "grafana" / "pywall.json"
GUIDE = ROOT / "docs" / "how-to" / "metrics.md"
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}


def metrics() -> dict[str, str]:
    """Sample names and the families that they belong to."""
    stats = engine({"chains": {"INPUT": []}}, plugins={}).engine.stats()
    stats["queue"] = {"waiting": 0, "dropped_full": 0, "dropped_user": 0, "packets": 0, "passed": 0, "failed": 0}
    stats["latency"] = {"sampled": 0, "sum": 0.0, "buckets": {"1": 0}}
    return {f.name + suffix: f.name for f in families(stats, 0.0) for suffix in SUFFIXES[f.type]}


def asked(text: str) -> set[str]:
    return set(re.findall(r"\bpywall_[a-z_]+\b", text)) - {"pywall_metrics"}


def test_readme_lists_every_metric() -> None:
    known = metrics()
    listed = asked(README.read_text())
    assert {name.removesuffix("_bucket").removesuffix("_sum").removesuffix("_count") for name in known} == listed


@pytest.mark.skipif(not DASHBOARD.exists(), reason="the manual is not in this distribution")
def test_dashboard_and_guide_ask_for_metrics_that_exist() -> None:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel["targets"]]
    assert len(queries) > 10
    assert all(asked(query) for query in queries)
    assert asked(" ".join(queries)) | asked(GUIDE.read_text()) <= set(metrics())
    places = {(p["gridPos"]["x"], p["gridPos"]["y"]) for p in panels}
    assert len(places) == len(panels), "no panel covers another"
