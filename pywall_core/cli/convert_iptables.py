"""Rules of ``iptables-save`` and of ufw (``user.rules``, which has the same form) as a policy.

What has an equal is converted; of everything else a note says its line and why. A jump of iptables comes back, ours
does not: the rules of a chain are put where it is jumped to, with the jump's conditions in front.
"""

from __future__ import annotations

import re
import shlex
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

from .convert_forward import ANSWERS, both_ways
from .convert_lines import LineParser
from .convert_matches import NoEqualError, Rule

HOOKS: Final = {
    "INPUT": "INPUT",
    "OUTPUT": "OUTPUT",
    "FORWARD": "FORWARD",
    "ufw-user-input": "INPUT",
    "ufw-user-output": "OUTPUT",
    "ufw-user-forward": "FORWARD",
    "ufw6-user-input": "INPUT",
    "ufw6-user-output": "OUTPUT",
    "ufw6-user-forward": "FORWARD",
}
_ACTIONS: Final = ("ACCEPT", "DROP", "REJECT")
_MAX_DEPTH: Final = 8


@dataclass(slots=True)
class _Line:
    number: int
    words: list[str]


@dataclass(slots=True)
class Converted:
    """The policy as plain data, and what could not be converted, a line each."""

    data: dict[str, Any]
    notes: list[str] = field(default_factory=list)


def looks_like_iptables(text: str) -> bool:
    """Return True if the text is the output of iptables-save, or a rules file of ufw."""
    return re.search(r"^\*filter\s*$", text, re.MULTILINE) is not None


def convert(text: str) -> Converted:
    """Return the table ``filter`` as a policy; other tables are left to netfilter, beside which PyWall works."""
    lines: dict[str, list[_Line]] = {}
    policies: dict[str, str] = {}
    notes: list[str] = []
    elsewhere = _read(text, lines, policies, notes)
    chains: dict[str, list[Rule]] = {}
    default: dict[str, str] = {}
    ufw = any(name.startswith("ufw") for name in lines) and "INPUT" not in lines
    for name, hook in HOOKS.items():
        if name not in lines:
            continue
        rules = chains.setdefault(hook, [])
        if ufw and hook == "INPUT" and not rules:
            rules.append({"rule": "flow", "initiator": "local", "action": "ACCEPT", "name": "answers"})
            rules.append({"rule": "protocol", "is": ["icmp", "icmpv6"], "action": "ACCEPT"})
        if ufw and hook == "FORWARD" and not rules:
            rules.append({**ANSWERS, "action": "ACCEPT"})
        rules += _Chains(hook, lines, notes).rules(name, [], 0)
        if policies.get(name) in _ACTIONS:
            default[hook] = policies[name]
    if ufw:
        default |= {"INPUT": "DROP", **({"FORWARD": "DROP"} if "FORWARD" in chains else {})}
        notes.append(
            "ufw's own rules (before.rules) are not in this file: answers and ICMP are accepted, the rest dropped"
        )
    if "FORWARD" in chains:
        chains["FORWARD"] = both_ways(chains["FORWARD"], notes)
    data = _policy(chains, default, notes)
    notes += [
        f"table {table}: stays with netfilter, {count} rules, beside which PyWall works" for table, count in elsewhere
    ]
    if lines and not re.search(r"-[sd] [0-9a-f]*:", text):
        notes.append("iptables speaks of IPv4 alone, the policy of IPv6 too: rules without addresses hold for both")
    return Converted(data, notes)


def _read(
    text: str, lines: dict[str, list[_Line]], policies: dict[str, str], notes: list[str]
) -> list[tuple[str, int]]:
    """Read the table ``filter`` into ``lines`` and ``policies`` by chain. Return the other tables and their rules."""
    table = ""
    elsewhere: Counter[str] = Counter()
    comment: list[str] = []
    for number, raw in enumerate(text.splitlines(), 1):
        line = re.sub(r"^\[\d+:\d+\]\s*", "", raw.strip())  # counters in front, iptables-save -c
        if line.startswith("*"):
            table = line[1:]
        elif not line or line.startswith(("#", "COMMIT")):
            if line.startswith("### tuple ###"):  # of ufw: the comment of the lines behind it, in hexadecimal
                found = re.search(r" comment=((?:[0-9a-f]{2})+)$", line)
                comment = ["--comment", bytes.fromhex(found[1]).decode("utf-8", "replace")] if found else []
        elif table != "filter":
            elsewhere[table] += line.startswith("-A ")
        elif line.startswith(":"):
            name, policy = line[1:].split()[:2]
            policies[name] = policy
            lines.setdefault(name, [])
        else:
            try:
                words = shlex.split(line)
            except ValueError as error:
                words = [str(error)]
            if words[0] == "-A" and len(words) > 2:
                if words[1].startswith("ufw") and "--set" in words and "-j" not in words:
                    continue  # `ufw limit` in three lines: the second counts
                lines.setdefault(words[1], []).append(_Line(number, [*words[2:], *comment]))
            else:
                notes.append(f"line {number}: not converted, no line of iptables-save: {line}")
    return [(table, count) for table, count in elsewhere.items() if count]


def _policy(chains: dict[str, list[Rule]], default: dict[str, str], notes: list[str]) -> dict[str, Any]:
    """Return the whole policy, with the plugins and sets that its rules ask for."""
    kinds = {leaf["rule"] for rules in chains.values() for rule in rules for leaf in _leaves(rule)}
    sets = {
        str(leaf[side])[1:]: {"type": "addresses"}
        for rules in chains.values()
        for rule in rules
        for leaf in _leaves(rule)
        for side in ("src", "dst")
        if str(leaf.get(side, "")).startswith("@")
    }
    notes += [f"the set {name} is empty: fill it by `file:` or `pywall set add {name} ...`" for name in sets]
    invalid = any("`stream`" in note for note in notes)
    plugins = ["rules", *(["stream"] if invalid else []), *(["process"] if kinds & {"user", "cgroup"} else [])]
    data: dict[str, Any] = {"version": 1, "plugins": plugins}
    if sets:
        data["sets"] = sets
    return {**data, "chains": chains, "default": default or "ACCEPT"}


def _leaves(rule: Rule) -> list[Rule]:
    if "rule" in rule:
        return [rule]
    if "not" in rule:
        return _leaves(rule["not"])
    parts: list[Rule] = rule.get("all", [])
    return [leaf for part in parts for leaf in _leaves(part)]


class _Chains:
    """Puts the rules of chains where they are jumped to."""

    def __init__(self, hook: str, lines: dict[str, list[_Line]], notes: list[str]) -> None:
        self.hook = hook
        self.lines = lines
        self.notes = notes

    def rules(self, name: str, outer: list[Rule], depth: int, *, refusing: bool = False) -> list[Rule]:
        """Return the rules of a chain, each with the conditions ``outer`` of the jump in front.

        Behind a RETURN that has no equal, what would let pass is left out (``refusing``): the chain may have been left.
        """
        rules: list[Rule] = []
        for line in self.lines[name]:
            target = ""
            try:
                parser = LineParser(line.words, self.hook)
                own, target, extra = parser.parse()
                if parser.refuses_only and not self._refuses(target, depth):
                    raise NoEqualError("the match recent has no equal where it lets pass")
                if target == "RETURN":
                    if not own:
                        break
                    outer = [*outer, {"not": own[0] if len(own) == 1 else {"all": own}}]
                elif target in self.lines and target not in HOOKS:
                    if depth >= _MAX_DEPTH:
                        raise NoEqualError("jumps too deep")
                    rules += self.rules(target, [*outer, *own], depth + 1, refusing=refusing)
                elif refusing and target == "ACCEPT":
                    raise NoEqualError("it lets pass behind a RETURN that has no equal")
                else:
                    rules.append(_rule([*outer, *own], target, extra))
            except NoEqualError as error:
                self._note(name, line, error)
                if "RETURN" in line.words:
                    self.notes.append(f"line {line.number}: what the chain {name} lets pass behind it is left out")
                    refusing = True
        return rules

    def _note(self, name: str, line: _Line, error: NoEqualError) -> None:
        refused = any(word in ("DROP", "REJECT") or self._refuses(word, 0) for word in line.words[-6:])
        wider = " (what it refused reaches the rules behind it)" if refused and "`stream`" not in str(error) else ""
        self.notes.append(f"line {line.number}: not converted, {error}{wider}: -A {name} {shlex.join(line.words)}")

    def _refuses(self, target: str, depth: int) -> bool:
        """Return whether a target lets nothing pass that reaches it: all that it may decide is to refuse."""
        if target in ("DROP", "REJECT"):
            return True
        if target not in self.lines or depth > _MAX_DEPTH:
            return False
        ends = [
            line.words[at + 1] for line in self.lines[target] for at, word in enumerate(line.words[:-1]) if word == "-j"
        ]
        return bool(ends) and all(end in ("LOG", "NFLOG") or self._refuses(end, depth + 1) for end in ends)


def _rule(conditions: list[Rule], target: str, extra: Rule) -> Rule:
    if target == "LOG":
        if conditions:
            raise NoEqualError("`log` takes no conditions; put it behind rules that decide")
        return {"rule": "log", "message": str(extra.get("prefix", "logged")).strip() or "logged"}
    if target not in _ACTIONS:
        raise NoEqualError(f"the target {target or '(none)'} has no equal")
    words = {"action": target, **({"comment": extra["comment"]} if "comment" in extra else {})}
    if not conditions:
        return {"rule": "always", **words}
    return {**(conditions[0] if len(conditions) == 1 else {"all": conditions}), **words}
