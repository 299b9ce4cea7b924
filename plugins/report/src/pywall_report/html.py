"""The page: a template with styles, script, charts and flows all inside."""

from __future__ import annotations

import base64
import gzip
import json
from datetime import UTC, datetime
from importlib import resources
from typing import Any, Final

from jinja2 import Environment, PackageLoader, select_autoescape
from plotly.offline import get_plotlyjs

from .charts import charts
from .source import Event
from .summary import TOP, Summary, top

_PAGE: Final = resources.files(__package__) / "page"


def render(summary: Summary, changed: list[Event], title: str, policy: str) -> str:
    """Return the page. ``changed`` are flow events whose verdict another policy changes."""
    environment = Environment(loader=PackageLoader(__package__, "page"), autoescape=select_autoescape(["html", "j2"]))
    environment.filters["bytes"] = human_bytes
    times = [time for time, _ in summary.timeline]
    return environment.get_template("report.html.j2").render(
        title=title,
        policy=policy,
        made=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        first=_clock(min(times)) if times else "",
        last=_clock(max(times)) if times else "",
        summary=summary,
        sources=top(summary.sources),
        destinations=top(summary.destinations),
        rankings={name: counter.most_common(TOP) for name, counter in sorted(summary.rankings.items())},
        rules=sorted(summary.rules.items(), key=lambda entry: -entry[1].flows.total()),
        encrypted=[(at, summary.flows[at]) for at in summary.encrypted[:TOP]],
        changed=changed,
        style=(_PAGE / "report.css").read_text(encoding="utf-8"),
        script=(_PAGE / "report.js").read_text(encoding="utf-8"),
        plotly=get_plotlyjs(),
        charts=script_json(charts(summary)),
        flows=base64.b64encode(gzip.compress(json.dumps(summary.flows, separators=(",", ":")).encode(), 6)).decode(),
    )


def script_json(value: Any) -> str:
    """Return ``value`` as JSON that may be put into a script element: no ``</script>`` can end it early."""
    return json.dumps(value).replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def human_bytes(number: float) -> str:
    """``1536`` as ``1.5 KiB``."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024:
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    return f"{number:.1f} TiB"


def _clock(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
