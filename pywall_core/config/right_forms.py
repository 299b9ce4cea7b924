"""The right form of what people write where a mapping or a rule belongs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from .errors import nearest, shown
from .other_firewalls import key_form

#: Words that rules of other firewalls begin with, and ours.
_HEADS: Final = {"and": "all", "or": "any", "kind": "rule", "type": "rule", "match": "rule", "if": "rule"}
#: Hooks of netfilter that PyWall is not at.
OTHER_HOOKS: Final = frozenset({"PREROUTING", "POSTROUTING", "INGRESS", "EGRESS"})
_COMBINATORS: Final = ("all", "any", "not")
#: How other firewalls name what a rule looks for, and where it is found here.
_EXPRESSIONS: Final = {
    "expr": "{rule: app, is: ...}, {rule: geo, ...} or {rule: fact, name: ...}",
    "operator": "{rule: domain, is: ...}, {rule: process, path: ...} or {rule: port, dst: ...}",
    "scope": "{rule: ip, src: ...} in a chain",
}


def rule_form(data: Mapping[str, Any], kinds: Collection[str]) -> str:
    """Return how a rule is written that has not exactly one of ``rule``, ``all``, ``any``, ``not``; or nothing."""
    if "rule" in data and "not" in data:
        value = data["not"]
        what = "..." if isinstance(value, dict) else value
        if isinstance(value, list):
            what = f"[{', '.join(map(str, value))}]"
        return f"; for all but this, write {{not: {{rule: {data['rule']}, is: {what}}}, action: ...}}"
    for key, value in data.items():
        glued = re.match(r"([a-z]+)[:=](\S+)", key)
        if glued and glued[1] in ("rule", *_COMBINATORS):
            return f": a blank must follow the colon, write '{glued[1]}: {glued[2]}'"
        if key in _EXPRESSIONS:
            return f"; {key!r} is of another firewall: write {_EXPRESSIONS[key]}"
        if form := key_form(key, value):
            return form
    for key, value in data.items():
        if key in ("type", "kind", "match", "name") and isinstance(value, str) and value in kinds:
            return f"; write 'rule: {value}'"
    for key, value in data.items():
        if key in kinds and not isinstance(value, (dict, list)):
            parameter = {"port": "dst", "ip": "src", "iface": "in"}.get(key, "is")
            return f"; write {{rule: {key}, {parameter}: {value}, ...}}"
    return next((hint for key in data if (hint := nearest(key, ("rule", *_COMBINATORS), _HEADS))), "")


def action_form(value: object) -> str:
    """Return what is said of several actions; nothing of one."""
    if not isinstance(value, list):
        return ""
    log = any(str(one).lower() == "log" for one in value)
    return ": a rule has one" + (", and logging is a rule of its own before it, {rule: log}" if log else "")


def addition_form(value: object) -> str | None:
    """Return what is said of ``add:`` with the name of a set alone; None where it is a mapping."""
    if isinstance(value, dict):
        return None
    return f"{shown(value)}: write {{set: {value if isinstance(value, str) else 'NAME'}, key: src, for: 1h}}"


def hook_form(name: str) -> str:
    """Return what is said of a chain that is named as a hook that PyWall has not; nothing of others."""
    if name.upper() not in OTHER_HOOKS:
        return ""
    return (
        f"{name} is no hook of PyWall, which is at INPUT, OUTPUT and FORWARD; NAT and routing stay with nft or iptables"
    )
