"""The charts of a report, as Plotly figures in JSON."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any, Final

import plotly.graph_objects as go

from .summary import Summary, bins, top

#: one colour a verdict, told apart by people who do not see red and green as different (Okabe and Ito's palette)
COLOURS: Final = {"accept": "#009E73", "drop": "#D55E00", "reject": "#E69F00", "none": "#999999"}
_LAYOUT: Final = {
    "margin": {"l": 48, "r": 12, "t": 8, "b": 36},
    "height": 260,
    "paper_bgcolor": "rgba(0,0,0,0)",
    "plot_bgcolor": "rgba(0,0,0,0)",
    "font": {"family": "system-ui, sans-serif", "size": 13},
    "legend": {"orientation": "h", "y": 1.12},
    "colorway": ["#0072B2"],
}


def charts(summary: Summary) -> dict[str, str]:
    """Return the figures by the id of their place in the page."""
    found = {"timeline": _timeline(summary), "protocols": _bars(top(summary.protocols, 0), "flows")}
    if summary.encrypted:
        found["odds"] = _odds(summary)
    return {name: figure.to_json() for name, figure in found.items()}


def _figure(**layout: Any) -> go.Figure:
    return go.Figure(layout={**_LAYOUT, **layout})


def _timeline(summary: Summary) -> go.Figure:
    starts, counts = bins(summary.timeline)
    times = [datetime.fromtimestamp(start, UTC) for start in starts]
    figure = _figure(barmode="stack", bargap=0, yaxis={"title": {"text": "flows"}})
    for action in sorted(counts):
        figure.add_bar(x=times, y=counts[action], name=action, marker_color=COLOURS.get(action))
    return figure


def _bars(entries: list[tuple[str, int, int]], name: str) -> go.Figure:
    names = [entry[0] for entry in reversed(entries)]
    flows = [entry[1] for entry in reversed(entries)]
    figure = _figure(
        height=60 + 22 * len(entries), xaxis={"title": {"text": name}}, yaxis={"automargin": True, "type": "category"}
    )
    figure.add_bar(x=flows, y=names, orientation="h", hovertemplate="%{y}: %{x}<extra></extra>")
    return figure


def _odds(summary: Summary) -> go.Figure:
    """Each flow without a name whose payload is encrypted: the classifier's odds over the bytes that it saw."""
    figure = _figure(
        xaxis={"title": {"text": "bytes of payload seen"}, "type": "log"},
        yaxis={"title": {"text": "log-odds of encrypted" if _has_odds(summary) else "confidence"}},
    )
    for action in ("accept", "drop", "reject"):
        flows = [summary.flows[at] for at in summary.encrypted if summary.flows[at]["v"] == action]
        payloads = [flow["x"]["payload"] for flow in flows]
        figure.add_scatter(
            x=[payload.get("bytes_seen") or flow["b"] for payload, flow in zip(payloads, flows, strict=True)],
            y=[payload.get("odds", payload.get("confidence")) for payload in payloads],
            text=[f"{flow['s']} -> {flow['c']}:{flow['cp']}" for flow in flows],
            mode="markers",
            name=action,
            marker_color=COLOURS[action],
            hovertemplate="%{text}<br>%{x} bytes, %{y}<extra></extra>",
        )
    return figure


def _has_odds(summary: Summary) -> bool:
    return any("odds" in summary.flows[at]["x"]["payload"] for at in summary.encrypted)
