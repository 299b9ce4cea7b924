"""Lines of ufw, iptables, nft, Suricata and others where a rule belongs: what is to be written instead."""

from __future__ import annotations

import re
from typing import Final

from ..model.verdict import Action
from .aliases import ACTION_ALIASES
from .errors import shown

_FORMS: Final = "{rule: KIND, ...}, {all: [...]}, {any: [...]} or {not: {...}}"
_ACTIONS: Final = {**{name.lower(): name for name in Action.__members__}, **ACTION_ALIASES}
_CONVERT: Final = "'pywall convert FILE' writes a policy from"
_IPTABLES: Final = re.compile(r"(ip6?tables\s|-[AID]\s)")
_NFT: Final = re.compile(r"(?:tcp|udp|ip6?|ct|meta|icmp|icmpv6|i?oif|iif|[io]ifname|th|add|insert|nft)\s+\S+\s+\S+")
_SURICATA: Final = re.compile(r"(?:alert|drop|pass|reject)\s+\S+\s+.+[<-][>-]\s")
_SIMPLE: Final = re.compile(
    r"(?:ufw\s+)?(?P<action>[a-z]+)(?:\s+(?P<way>in|out))?(?:\s+from\s+(?P<src>\S+))?(?:\s+to\s+(?P<dst>\S+))?"
    r"(?:\s+(?:port\s+)?(?P<port>\d{1,5})(?:/(?P<slash>tcp|udp))?)?(?:\s+proto\s+(?P<proto>tcp|udp))?",
    re.IGNORECASE,
)
_PORT: Final = re.compile(r"port\s+(?P<port>\d{1,5})(?:\s*:?\s*(?P<action>[A-Za-z]+))?")


def line_form(data: object) -> str:
    """Return what is said of a value where a rule is expected."""
    if not isinstance(data, str):
        return f"{shown(data)}: should be a rule, {_FORMS}"
    text = data.strip()
    for name, pattern in (("iptables-save", _IPTABLES), ("nft -j list ruleset", _NFT)):
        if pattern.match(text):
            return f"{shown(data)}: should be a rule; {_CONVERT} the output of {name}"
    if _SURICATA.match(text):
        form = "of a rule of Suricata write what it looks for, {rule: fact, name: ...}"
        return f"{shown(data)}: should be a rule; {form}"
    form = _written(text)
    return f"{shown(data)}: should be a rule{f'; write {form}' if form else f', {_FORMS}'}"


def key_form(key: str, value: object) -> str:
    """Return how a rule is written whose one key is a line: ``port 22: ACCEPT``, or nothing."""
    form = _written(f"{key} {value}") if " " in key else ""
    return f"; write {form}" if form else ""


def _written(text: str) -> str:
    simple = _SIMPLE.fullmatch(text)
    if simple and simple["action"].lower() in _ACTIONS and any((simple["src"], simple["dst"], simple["port"])):
        return _simple_rule(simple)
    port = _PORT.fullmatch(text)
    if port:
        action = _ACTIONS.get((port["action"] or "").lower(), "ACCEPT")
        return f"{{rule: port, dst: {port['port']}, action: {action}}}"
    fields = text.split()
    if len(fields) == 2 and fields[-1].upper() in Action.__members__:
        return f"{{rule: app, is: {fields[0]}, action: {fields[-1].upper()}}}"
    return ""


def _simple_rule(found: re.Match[str]) -> str:
    sides = [(key, found[key]) for key in ("src", "dst") if found[key] and found[key].lower() != "any"]
    parts = [f"{{rule: ip, {', '.join(f'{key}: {value}' for key, value in sides)}}}"] if sides else []
    protocol = found["slash"] or found["proto"]
    if found["port"]:
        parts.append(f"{{rule: port, {f'protocol: {protocol.lower()}, ' if protocol else ''}dst: {found['port']}}}")
    action = _ACTIONS[found["action"].lower()]
    if not parts:
        return f"{{rule: always, action: {action}}}"
    if len(parts) == 1:
        return f"{parts[0][:-1]}, action: {action}}}"
    return f"{{all: [{', '.join(parts)}], action: {action}}}"
