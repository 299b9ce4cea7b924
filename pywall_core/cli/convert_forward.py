"""Answers of forwarded connections: what iptables and nft let pass by the state, a policy says of the connection.

``ct state established accept`` has no equal in FORWARD, where neither side is this host. But a rule ``flow`` with
``client``, ``server`` and ``port`` holds for both directions, so each rule that lets a connection begin becomes one.
"""

from __future__ import annotations

from typing import Any, Final

from .convert_matches import Rule

#: stands for "an answer of a connection that was let pass", until :func:`both_ways` takes it out
ANSWERS: Final[Rule] = {"rule": "answers"}
_SIDES: Final = {"src": "client", "dst": "server"}


def both_ways(rules: list[Rule], notes: list[str]) -> list[Rule]:
    """Return the rules of FORWARD without those for answers; where there were any, others hold for both directions."""
    begin = [rule for rule in rules if not _mentions_answers(rule)]
    if len(begin) == len(rules):
        return rules
    narrow = [rule for rule in rules if _mentions_answers(rule) and not _all_answers(rule)]
    notes += [f"FORWARD: not converted, answers of some connections alone: {rule}" for rule in narrow]
    if len(begin) + len(narrow) == len(rules):
        return begin
    found: list[Rule] = []
    for rule in begin:
        wider = _of_connection(rule) if rule.get("action") == "ACCEPT" else rule
        if wider is None:
            notes.append(
                "FORWARD: answers do not pass: name the clients, {rule: flow, client: 192.168.10.0/24, action: "
                f"ACCEPT}}, instead of interfaces and source ports: {rule}"
            )
        found.append(wider or rule)
    return found


def _mentions_answers(rule: Rule) -> bool:
    inner: list[Rule] = [*rule.get("all", ()), *([rule["not"]] if "not" in rule else [])]
    return rule.get("rule") == ANSWERS["rule"] or any(map(_mentions_answers, inner))


def _parts(rule: Rule) -> list[Rule]:
    bare = {key: value for key, value in rule.items() if key not in ("action", "comment")}
    parts: list[Rule] = rule.get("all", [bare])
    return parts


def _all_answers(rule: Rule) -> bool:
    """Return True if the rule lets answers pass whatever connection they belong to, or all of an interface."""
    kinds = {part.get("rule") for part in _parts(rule)}
    return rule.get("action") == "ACCEPT" and kinds <= {ANSWERS["rule"], "iface", "protocol"}


def _of_connection(rule: Rule) -> Rule | None:
    """Return the rule as one on the connection, whichever side a packet comes from; None: it has no such form."""
    words: dict[str, Any] = {key: rule[key] for key in ("action", "comment") if key in rule}
    if "not" in rule:
        inner = _of_connection(rule["not"])
        return None if inner is None else {"not": inner, **words}
    if "all" in rule:
        parts = [_of_connection(part) for part in rule["all"]]
        return None if None in parts else {"all": parts, **words}
    kind, given = rule["rule"], {key: value for key, value in rule.items() if key not in ("rule", *words)}
    if kind == "ip":
        return {"rule": "flow", **{_SIDES[side]: value for side, value in given.items()}, **words}
    if kind == "port":
        if "src" in given:
            return None
        flow = {"rule": "flow", "port": given["dst"]}
        protocol = given.get("protocol")
        return {**({"all": [{"rule": "protocol", "is": protocol}, flow]} if protocol else flow), **words}
    return None if kind == "iface" else rule
