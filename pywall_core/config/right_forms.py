"""The right form of what people write where a mapping or a rule belongs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Set
from typing import Any, Final

from .aliases import KEY_ALIASES
from .errors import nearest, shown, unknown_key
from .fields import FIELDS, field_of, flow_text, rule_of_fields
from .kind_names import OPERANDS
from .other_firewalls import ACTION_NAMES, key_form, line_form

#: Words that rules of other firewalls begin with, and ours.
_HEADS: Final = {"and": "all", "or": "any", "kind": "rule", "type": "rule", "match": "rule", "if": "rule"}
#: Hooks of netfilter that PyWall is not at.
OTHER_HOOKS: Final = frozenset({"PREROUTING", "POSTROUTING", "INGRESS", "EGRESS"})
_COMBINATORS: Final = ("all", "any", "not")
#: Keys that any rule has.
_OWN: Final = frozenset({"action", "name", "comment", "enabled", "observe", "add"})
#: What other firewalls call the action, and keys that say nothing which the chain does not say.
_ACTION_KEYS: Final = dict.fromkeys(("target", "verdict", "then", "jump", "policy", "j"), "action")
_SAYING_NOTHING: Final = frozenset({"zone", "family", "priority", "duration", "description", "permanent", "direction"})
#: Kinds that ask for fields of packets; what one of them asks for, no other does.
_PACKET_KINDS: Final = frozenset({"ip", "port", "protocol", "iface", "service"})
#: What rule kinds ask for.
_NOUNS: Final = {"ip": "network", "iface": "device", "app": "protocol by content", "geo": "country"}
#: How other firewalls name what a rule looks for, and where it is found here.
_EXPRESSIONS: Final = {
    "expr": "{rule: app, is: ...}, {rule: geo, ...} or {rule: fact, name: ...}",
    "operator": "{rule: domain, is: ...}, {rule: process, path: ...} or {rule: port, dst: ...}",
    "scope": "{rule: ip, src: ...} in a chain",
    **dict.fromkeys(
        ("ipBlock", "podSelector", "namespaceSelector", "policyTypes", "ingress", "egress"),
        "{rule: ip, src: CIDR} for an ipBlock, in the chain INPUT for ingress and OUTPUT for egress",
    ),
}


def rule_form(data: Mapping[str, Any], kinds: Collection[str]) -> str:
    """Return how a rule is written that has not exactly one of ``rule``, ``all``, ``any``, ``not``; or nothing."""
    if "rule" in data and "not" in data:
        value = data["not"]
        what = "..." if isinstance(value, dict) else flow_text(value)
        return f"; for all but this, write {{not: {{rule: {data['rule']}, is: {what}}}, action: ...}}"
    if "include" in data:
        return "; a file of rules is an entry of its own, '- include: FILE', with one file and no other key"
    if form := _operand_form(data) or _firewalld_form(data):
        return form
    if sum(head in data for head in _COMBINATORS) > 1:
        return "; one goes into the other, write {all: [{...}, {not: {...}}], action: ...}"
    if {"none", "nor"} & set(data):
        return "; for none of these, write {not: {any: [...]}, action: ...}"
    for key, value in data.items():
        glued = re.match(r"([a-z]+)(?:[:=]|\s*\uff1a\s*)(\S+)", key)
        if glued and glued[1] in ("rule", *_COMBINATORS):
            return f": a blank must follow the colon, write '{glued[1]}: {glued[2]}'"
        if key in _EXPRESSIONS or (key in ("from", "to", "ports") and _holds_mappings(value)):
            key = key if key in _EXPRESSIONS else "ipBlock"
            return f"; {key!r} is of another firewall: write {_EXPRESSIONS[key]}"
        if len(data) == 1 and (form := key_form(key, value) or _wrapped(key, value)):
            return form
        if form := key_form(key, value) if " " in key else "":
            return form
    if form := _fields_form(data, kinds):
        return form
    for key, value in data.items():
        if key in ("type", "kind", "match", "name") and isinstance(value, str) and value in kinds:
            return f"; write 'rule: {value}'"
    if set(data) <= {"action"}:
        return f"; for whatever comes, write {{rule: always, action: {data.get('action', '...')}}}"
    return next((hint for key in data if (hint := nearest(key, ("rule", *_COMBINATORS), _HEADS))), "")


def kind_form(value: object, kinds: Collection[str]) -> str:
    """Return how a rule is written whose kind holds its parameters, ``rule: {port: {dst: 22}}``; or nothing."""
    if not isinstance(value, dict) or len(value) != 1:
        return ""
    ((kind, inside),) = value.items()
    asked = inside if isinstance(inside, dict) else {FIELDS.get(kind, ("", "is"))[1]: inside}
    parts = ", ".join(f"{key}: {flow_text(entry)}" for key, entry in asked.items())
    return f", write {{rule: {kind}, {parts}, action: ...}}" if kind in kinds else ""


def _operand_form(data: Mapping[str, Any]) -> str:
    """Return the form of a rule of OpenSnitch, ``{operand: dest.host, data: example.com}``, also under ``operator``."""
    inside = data.get("operator", data)
    operand = str(inside.get("operand", "")) if isinstance(inside, dict) else ""
    if operand not in OPERANDS:
        return ""
    action = ACTION_NAMES.get(str(data.get("action", "")).lower(), "...")
    condition = OPERANDS[operand].format(flow_text(inside.get("data", "...")))
    return f"; write {condition[:-1]}, action: {action}}}"


def _firewalld_form(data: Mapping[str, Any]) -> str:
    """Return the form of what firewalld lists by a key of its own: a rich rule, or what is NAT there."""
    for key, value in data.items():
        name = key.replace("_", "-").replace(" ", "-").lower()
        if name in ("rich-rule", "rule-str", "rich-rules") and isinstance(value, str):
            form = line_form(value).partition("should be a rule")[2]
            return form if form.startswith("; write") else ""
        if name in ("masquerade", "forward-port", "forward-ports", "source-port-forward", "dnat", "snat", "nat"):
            return f"; {key!r}: NAT and routing stay with nft or iptables"
        if name in ("icmp-block", "icmp-blocks"):
            return "; write {rule: protocol, is: icmp, action: DROP}"
    return ""


def _wrapped(key: str, value: object) -> str:
    """Return the form of ``drop: {port: 22}``: an action with the rule inside."""
    action = ACTION_NAMES.get(key.lower())
    if action is None or not isinstance(value, dict):
        return ""
    form = rule_of_fields(value, action) or f"{{rule: ..., action: {action}}}"
    return f"; the action is a key of the rule: write {form}"


def _fields_form(data: Mapping[str, Any], kinds: Collection[str]) -> str:
    """Return the form of a rule that names fields of packets, or a kind, without ``rule:``."""
    asked = {key: value for key, value in data.items() if key not in _OWN | _SAYING_NOTHING}
    data = {_ACTION_KEYS.get(key, key): value for key, value in data.items()}
    asked = {key: value for key, value in asked.items() if key not in _ACTION_KEYS and value != "any"}
    action = str(data.get("action", "...")) if isinstance(data.get("action", ""), str) else "..."
    action = ACTION_NAMES.get(action.lower(), action)
    for key, value in asked.items():
        if key in kinds and isinstance(value, dict):
            inside = ", ".join(f"{name}: {flow_text(entry)}" for name, entry in value.items())
            return f"; write {{rule: {key}, {inside}, action: {action}}}"
    if not asked or any(isinstance(value, dict) or _holds_mappings(value) for value in asked.values()):
        return ""
    if len(asked) == 1 and next(iter(asked)) in kinds:
        ((key, value),) = asked.items()
        if form := rule_of_fields(asked, action) if str(value).endswith(("/tcp", "/udp")) else "":
            return f"; write {form}"
        parameter = FIELDS.get(key, ("", "is"))[1]
        return f"; write {{rule: {key}, {parameter}: {flow_text(value)}, ...}}"
    form = rule_of_fields(asked, action)
    return f"; write {form}" if form else ""


def _holds_mappings(value: object) -> bool:
    return isinstance(value, list) and any(isinstance(entry, dict) for entry in value)


def beside_form(key: str, value: object, kind: str, parameters: Set[str]) -> str:
    """Return what is said of a key of a rule that another kind of rule asks for: ``dport`` beside ``rule: ip``.

    Nothing where it means one of the kind's own ``parameters``: ``proto`` of ``rule: port``.
    """
    hint = nearest(key, parameters, KEY_ALIASES)
    is_other = kind in _PACKET_KINDS and FIELDS.get(key, ("",))[0] in _PACKET_KINDS - {kind}
    said = unknown_key(key, {*parameters, *_OWN})
    if not said.startswith("unknown key (") and "did you mean" not in said:
        return ""  # it has a form of its own
    if hint and (not is_other or hint == nearest("protocol", parameters & {"protocol"})):
        return ""
    if kind == "fact" and "." in key:
        return f"unknown key; write name: {key}, is: {flow_text(value)}"
    found = field_of(key, value)
    if found is None or found[0] == kind:
        return ""
    other, parameter = found
    asked = f"name: {key}, is" if other == "fact" else parameter
    second = f"{{rule: {other}, {asked}: {flow_text(value)}}}"
    form = f"{{all: [{{rule: {kind}, ...}}, {second}], action: ...}}"
    return f"unknown key; a {_NOUNS.get(other, other)} is a rule of its own, {form}"


def action_form(value: object) -> str:
    """Return what is said of several actions, or of more than an action; nothing of one."""
    if isinstance(value, dict) and "add" in value:
        return ": add stands beside it, {action: DROP, add: {set: NAME, key: src, for: 1h}}"
    if isinstance(value, dict) and len(value) == 1 and isinstance(word := next(iter(value.values())), str):
        return f": write action: {word}"
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
    if name.lower() in ("ingress", "egress"):
        return f"{name} is no hook of PyWall: write {'INPUT' if name.lower() == 'ingress' else 'OUTPUT'}"
    return (
        f"{name} is no hook of PyWall, which is at INPUT, OUTPUT and FORWARD; NAT and routing stay with nft or iptables"
    )
