"""The dashboard and the pages ask only for metrics that exist, and the README lists all of them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

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
    return {f.name + suffix: f.name for f in exported() for suffix in SUFFIXES[f.type]}


def exported() -> list[Any]:
    stats = engine({"chains": {"INPUT": []}}, plugins={}).engine.stats()
    stats["queue"] = {"waiting": 0, "dropped_full": 0, "dropped_user": 0, "packets": 0, "passed": 0, "failed": 0}
    stats["latency"] = {"sampled": 0, "sum": 0.0, "buckets": {"1": 0}}
    return list(families(stats, 0.0))


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


@pytest.mark.skipif(not DASHBOARD.exists(), reason="the manual is not in this distribution")
def test_labels_that_the_dashboard_asks_for_are_exported() -> None:
    """Those of Prometheus itself (job, instance) and of histograms (le) apart."""
    labels = {f.name + suffix: set(f._labelnames) for f in exported() for suffix in SUFFIXES[f.type]}
    queries = [t["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for t in panel["targets"]]
    for query in queries:
        (name,) = asked(query)
        wanted = {label.strip() for group in re.findall(r"by \(([^)]*)\)", query) for label in group.split(",")}
        wanted |= set(re.findall(r"[{,]\s*([a-z_]+)\s*[=!]", query))
        assert wanted - {"job", "instance", "le"} <= labels[name], query
