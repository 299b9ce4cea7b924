"""One event as one line for a reader: time, what happened, the flow, what it carries, why."""

from __future__ import annotations

from typing import Any, Final

from .replay import flow_text, why

Event = dict[str, Any]

#: events that say nothing of one flow
NOT_SHOWN: Final = frozenset({"stats"})


def event_line(event: Event) -> str:
    """Return the line, without its end. The event has the flow's addresses."""
    kind = event["event_type"]
    verdict = event.get("verdict", {}).get("action", "")
    text = {"drop": "", "alert": event.get("alert", {}).get("signature", "")}.get(kind, "")
    if kind == "anomaly":
        text = event.get("anomaly", {}).get("event", "")
    if "pywall" in event and kind in ("flow", "drop"):
        text = why(event)
    parts = [event["timestamp"][11:23], f"{kind:<7}", f"{verdict:<6}", f"{event.get('proto', ''):<4}"]
    return "  ".join([*parts, flow_text(event), event.get("app_proto", ""), text]).rstrip()
