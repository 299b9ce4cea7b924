"""Field names of events: EVE as the engine makes them, or Elastic Common Schema (ECS 8).

Source of the ECS names: Elastic Common Schema reference, field sets Base, Event, Source, Destination, Network, Rule.
"""

from __future__ import annotations

from typing import Any, Final

Fields = dict[str, Any]

#: EVE key -> ECS fields
_PLAIN: Final = {
    "src_ip": ("source", "ip"),
    "src_port": ("source", "port"),
    "dest_ip": ("destination", "ip"),
    "dest_port": ("destination", "port"),
    "community_id": ("network", "community_id"),
    "in_iface": ("observer", "ingress", "interface", "name"),
}
_RENAMED: Final = frozenset({"timestamp", "event_type", "proto"})
_CATEGORIES: Final = {"alert": ["intrusion_detection"], "stats": ["host"]}
_TYPES: Final = {"drop": ["connection", "denied"], "flow": ["connection", "end"], "anomaly": ["protocol", "error"]}


def to_eve(event: Fields) -> Fields:
    """Return the event as it is."""
    return event


def to_ecs(event: Fields) -> Fields:
    """Return the event with ECS names. What ECS has no name for stays under ``eve``, named as in EVE."""
    kind = event["event_type"]
    ecs: Fields = {
        "@timestamp": _time(event["timestamp"]),
        "ecs": {"version": "8.11"},
        "event": {
            "kind": {"alert": "alert", "stats": "metric"}.get(kind, "event"),
            "category": _CATEGORIES.get(kind, ["network"]),
            "type": _TYPES.get(kind, ["info"]),
            "action": kind,
            "module": "pywall",
        },
    }
    for key, path in _PLAIN.items():
        if key in event:
            _put(ecs, path, event[key])
    if "proto" in event:
        _put(ecs, ("network", "transport"), str(event["proto"]).lower())
    if event.get("app_proto") not in (None, "unknown", "none"):
        _put(ecs, ("network", "protocol"), event["app_proto"])
    _decision(ecs, event)
    _volumes(ecs, event)
    rest = {key: value for key, value in event.items() if key not in _PLAIN and key not in _RENAMED}
    if rest:
        ecs["eve"] = rest
    return ecs


def _decision(ecs: Fields, event: Fields) -> None:
    own = event.get("pywall", {})
    name = own.get("rule_name") or event.get("alert", {}).get("signature")
    if own.get("rule"):
        _put(ecs, ("rule", "id"), own["rule"])
    if name:
        _put(ecs, ("rule", "name"), name)
    action = event.get("verdict", {}).get("action")
    if action and event["event_type"] == "flow":
        ecs["event"]["type"] = ["connection", "end", "allowed" if action == "accept" else "denied"]


def _volumes(ecs: Fields, event: Fields) -> None:
    flow = event.get("flow")
    if not isinstance(flow, dict) or "bytes_toserver" not in flow:
        return
    for side, way in (("source", "toserver"), ("destination", "toclient")):
        _put(ecs, (side, "packets"), flow[f"pkts_{way}"])
        _put(ecs, (side, "bytes"), flow[f"bytes_{way}"])
    _put(ecs, ("network", "packets"), flow["pkts_toserver"] + flow["pkts_toclient"])
    _put(ecs, ("network", "bytes"), flow["bytes_toserver"] + flow["bytes_toclient"])
    ecs["event"]["start"] = _time(flow["start"])
    ecs["event"]["end"] = _time(flow["end"])


def _time(text: str) -> str:
    """Return an EVE time in the form that Elasticsearch takes: a ``Z`` for UTC, no offset without a colon."""
    return text.removesuffix("+0000") + "Z" if text.endswith("+0000") else text


def _put(fields: Fields, path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        fields = fields.setdefault(name, {})
    fields[path[-1]] = value
