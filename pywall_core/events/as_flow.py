"""An EVE event in the place of a flow, for the filters that choose flows."""

from __future__ import annotations

from datetime import datetime
from ipaddress import ip_address
from types import SimpleNamespace
from typing import Any

from .eve import protocol_number
from .fields import own_facts

Event = dict[str, Any]


class EventFlow:
    """What :mod:`pywall_core.flows.filter` asks of a flow, as far as one of its events says it."""

    def __init__(self, event: Event) -> None:
        self.src, self.dst = (ip_address(event[f"{side}_ip"]).packed for side in ("src", "dest"))
        self.sport, self.dport = (event.get(f"{side}_port", 0) for side in ("src", "dest"))
        self.version = 4 if len(self.src) == 4 else 6
        self.proto = protocol_number(event.get("proto", ""))
        self.app_proto, self.app_proto_orig = event.get("app_proto"), event.get("app_proto_orig")
        flow = event.get("flow", {})
        self.state = flow.get("state", "")
        tcp = event.get("tcp", {})
        state = str(tcp.get("state", ""))
        self.tcp = SimpleNamespace(client_state=state, server_state=state)
        self.facts = {**dict(_dotted(event)), **own_facts(event)}
        self.start = _unix(flow.get("start", event["timestamp"]))
        self.last = _unix(event["timestamp"])
        pywall, action = event.get("pywall", {}), event.get("verdict", {}).get("action")
        self.final = None
        self.verdict = action and SimpleNamespace(
            action=SimpleNamespace(value=action), rule=pywall.get("rule", ""), title=pywall.get("rule_name", "")
        )


def _unix(timestamp: str) -> float:
    return datetime.fromisoformat(timestamp).timestamp()


def _dotted(values: Event, head: str = "") -> Any:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _dotted(value, f"{head}{name}.")
        elif head:
            yield f"{head}{name}", value
