"""Fields of packets as people name them in a rule, and the rule kind that asks for each."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

#: a key, and the kind and parameter that ask what it asks
FIELDS: Final[dict[str, tuple[str, str]]] = {
    **dict.fromkeys(("dport", "dports", "port", "ports", "multiport"), ("port", "dst")),
    **dict.fromkeys(("dst_port", "dest_port", "destination_port", "to_port"), ("port", "dst")),
    **dict.fromkeys(("sport", "sports", "src_port", "source_port", "from_port"), ("port", "src")),
    **dict.fromkeys(("src", "saddr", "source", "from", "src_ip", "source_ip", "cidr", "address", "ip"), ("ip", "src")),
    **dict.fromkeys(("dst", "daddr", "destination", "to", "dst_ip", "dest_ip", "destination_ip"), ("ip", "dst")),
    **dict.fromkeys(("protocol", "proto", "l4proto", "ip_proto", "p"), ("protocol", "is")),
    **dict.fromkeys(("in", "iif", "iifname", "interface", "in_interface", "iface", "dev", "nic"), ("iface", "in")),
    **dict.fromkeys(("out", "oif", "oifname", "out_interface"), ("iface", "out")),
    **dict.fromkeys(("app", "application", "l7"), ("app", "is")),
    "service": ("service", "is"),
    **dict.fromkeys(("domain", "domains", "host", "hostname", "fqdn", "sni"), ("domain", "is")),
    **dict.fromkeys(("remote-domains", "remote-hosts"), ("domain", "is")),
    "remote-addresses": ("ip", "dst"),
    **dict.fromkeys(("process", "program", "exe"), ("process", "path")),
    **dict.fromkeys(("user", "uid"), ("user", "is")),
    **dict.fromkeys(("country", "geo"), ("geo", "src")),
    **dict.fromkeys(("hours", "days"), ("time", "")),
    **dict.fromkeys(("limit", "rate"), ("limit", "over")),
}
#: what ``limit`` of ufw is: six connections of a source in half a minute
_UFW_LIMIT: Final = "{rule: seen, times: 6, within: 30s}"


def field_of(key: str, value: object) -> tuple[str, str] | None:
    """Return the kind and parameter for a key with this value: ``src: 80`` is a port. None: no field."""
    found = FIELDS.get(key)
    if found is None and "." in key and not isinstance(value, (dict, list)):
        return "fact", "is"
    if found and found[0] == "ip" and isinstance(value, int):
        return "port", found[1]
    return (found[0], found[1] or key) if found else None


def flow_text(value: object) -> str:
    """Return a value as it is written in YAML's flow style."""
    if isinstance(value, list):
        return f"[{', '.join(map(flow_text, value))}]"
    if isinstance(value, dict):
        return "..."
    text = str(value)
    return f"'{text}'" if text[:1] in tuple("@!*&:") else text


def rule_of_fields(fields: Mapping[str, Any], action: str) -> str:
    """Return the rule that asks for all ``fields``; empty where one of them is none."""
    kinds: dict[str, dict[str, str]] = {}
    for key, value in fields.items():
        found = field_of(key, value)
        if found is None:
            return ""
        kind, parameter = found
        if kind == "port" and (written := re.fullmatch(r"(\d+(?:-\d+)?)/(tcp|udp)", str(value))):
            value = written[1]
            kinds.setdefault("protocol", {"is": written[2]})
        asked = {"name": key, "is": flow_text(value)} if kind == "fact" else {parameter: flow_text(value)}
        kinds.setdefault(kind, {}).update(asked)
    if "port" in kinds and kinds.get("protocol", {}).get("is", "").lower() in ("tcp", "udp"):
        kinds["port"] = {"protocol": kinds.pop("protocol")["is"].lower(), **kinds["port"]}
    if "protocol" in kinds:
        kinds["protocol"]["is"] = kinds["protocol"]["is"].lower()
    order: list[str] = [kind for kind in ("iface", "ip", "protocol", "port") if kind in kinds]
    order += [kind for kind in kinds if kind not in order]
    parts = [
        f"{{rule: {kind}, {', '.join(f'{key}: {value}' for key, value in kinds[kind].items())}}}" for kind in order
    ]
    if action == "limit":
        parts.append(_UFW_LIMIT)
        action = "DROP"
    if not parts:
        return f"{{rule: always, action: {action}}}"
    return (
        f"{parts[0][:-1]}, action: {action}}}"
        if len(parts) == 1
        else f"{{all: [{', '.join(parts)}], action: {action}}}"
    )
