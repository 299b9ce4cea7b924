"""One event as one line for a reader: time, what happened, the flow, what it carries, which rule and why."""

from __future__ import annotations

import json
from typing import Any, Final

Event = dict[str, Any]

#: events that say nothing of one flow
NOT_SHOWN: Final = frozenset({"stats"})
#: events that an administrator wants to see as they happen
URGENT: Final = frozenset({"drop", "alert", "anomaly"})
_COLOURS: Final = {"drop": "31", "reject": "31", "accept": "32", "alert": "33", "anomaly": "35"}


def printable(text: str) -> str:
    """Return ``text`` without control characters: what came from outside cannot move the cursor."""
    return "".join(char if char.isprintable() or char == "\n" else f"\\x{ord(char):02x}" for char in text)


def rule_label(rule: str, name: str, at: str) -> str:
    """``SSH from the LAN (pywall.yaml:12)``: what a rule is called, and where. Its place where it has no name."""
    file = at.rpartition("/")[2]
    return f"{name or rule} ({file})" if file else name or rule


def end(event: Event, side: str) -> str:
    """``192.0.2.1:443``, ``[2001:db8::1]:443``, or the address of what has no ports. ``side``: src or dest."""
    address, port = event[f"{side}_ip"], event.get(f"{side}_port")
    if port is None:
        return str(address)
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def flow_text(event: Event) -> str:
    """Return both ends, or nothing for an event without addresses."""
    return f"{end(event, 'src')} -> {end(event, 'dest')}" if "src_ip" in event else ""


def why(event: Event) -> str:
    """Return the rule that decided by its name or text and its place, and the reason where it says more."""
    pywall = event.get("pywall", {})
    rule, name, reason = pywall.get("rule", ""), pywall.get("rule_name", ""), pywall.get("reason", "")
    label = rule_label(rule, name, pywall.get("rule_at", ""))
    return reason if not rule else label if reason in ("", f"{rule} matched", name) else f"{label}: {reason}"


def event_line(event: Event, *, colour: bool = False) -> str:
    """Return the line, without its end; ``colour``: with the escape sequences of a terminal (ECMA-48)."""
    kind = event["event_type"]
    verdict = event.get("verdict", {}).get("action", "")
    text = ""
    if kind == "alert":
        text = event.get("alert", {}).get("signature", "")
    elif kind == "anomaly":
        text = event.get("anomaly", {}).get("event", "")
    elif kind in ("flow", "drop"):
        text = why(event)
    parts = [event["timestamp"][11:23], f"{kind:<7}", f"{verdict:<6}", f"{event.get('proto', ''):<4}"]
    line = "  ".join([*parts, flow_text(event), event.get("app_proto", ""), text]).rstrip()
    line = printable(line.replace("\n", "\\x0a"))
    code = _COLOURS.get(verdict if kind == "flow" else kind, "")
    return f"\x1b[{code}m{line}\x1b[0m" if colour and code else line


def urgent_line(line: bytes, *, colour: bool = False) -> bytes:
    """Return an EVE event in JSON as a line for a reader; empty where it is not one of :data:`URGENT`."""
    event = json.loads(line)
    return event_line(event, colour=colour).encode() + b"\n" if event["event_type"] in URGENT else b""
