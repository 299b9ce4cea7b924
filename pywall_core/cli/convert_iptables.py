"""Rules of ``iptables-save`` and of ufw (``user.rules``, which has the same form) as a policy.

What has an equal is converted; of everything else a note says its line and why. A jump of iptables comes back, ours
does not: the rules of a chain are put where it is jumped to, with the jump's conditions in front.
"""

from __future__ import annotations

import re
import shlex
from dataclasses import dataclass, field
from typing import Any, Final

Rule = dict[str, Any]

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
#: matches whose options are converted
_MATCHES: Final = ("tcp", "udp", "sctp", "multiport", "conntrack", "state", "comment", "limit", "icmp", "icmp6")
_PER: Final = {"second": "s", "sec": "s", "minute": "m", "min": "m", "hour": "h", "day": "d"}


class NoEqualError(ValueError):
    """The rule cannot be said in a policy; the text says why."""


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
    table = ""
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw.strip()
        if line.startswith("*"):
            table = line[1:]
        elif table != "filter" or not line or line.startswith(("#", "COMMIT")):
            continue
        elif line.startswith(":"):
            name, policy = line[1:].split()[:2]
            policies[name] = policy
            lines.setdefault(name, [])
        elif line.startswith("-A "):
            words = shlex.split(line)
            lines.setdefault(words[1], []).append(_Line(number, words[2:]))
        elif line.startswith("["):  # counters in front, iptables-save -c
            words = shlex.split(line)[1:]
            lines.setdefault(words[1], []).append(_Line(number, words[2:]))
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
        rules += _chain(name, hook, lines, notes, [], 0)
        if policies.get(name) in _ACTIONS:
            default[hook] = policies[name]
    if ufw:
        default["INPUT"] = "DROP"
        notes.append(
            "ufw's own rules (before.rules) are not in this file: answers and ICMP are accepted, the rest dropped"
        )
    return Converted({"version": 1, "plugins": ["rules"], "chains": chains, "default": default or "ACCEPT"}, notes)


def _chain(
    name: str, hook: str, lines: dict[str, list[_Line]], notes: list[str], outer: list[Rule], depth: int
) -> list[Rule]:
    rules: list[Rule] = []
    for line in lines[name]:
        try:
            conditions, target, extra = _Parser(line.words, hook).parse()
            conditions = [*outer, *conditions]
            if target in lines and target not in HOOKS:
                if depth >= _MAX_DEPTH:
                    raise NoEqualError("jumps too deep")
                rules += _chain(target, hook, lines, notes, conditions, depth + 1)
            else:
                rules.append(_rule(conditions, target, extra))
        except NoEqualError as error:
            notes.append(f"line {line.number}: not converted, {error}: -A {name} {shlex.join(line.words)}")
    return rules


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


class _Parser:
    """One rule's words: its conditions, its target, and what belongs to the target."""

    def __init__(self, words: list[str], hook: str) -> None:
        self.words = list(words)
        self.hook = hook
        self.found: list[Rule] = []
        self.extra: Rule = {}
        self.protocol = self.target = self.rate = self.burst = ""
        self.ports: Rule = {}
        self.not_ports = False

    def parse(self) -> tuple[list[Rule], str, Rule]:
        """Read all words. :raises NoEqualError: something that no rule kind asks"""
        while self.words:
            word = self.words.pop(0)
            negated = word == "!"
            if negated:
                word = self.words.pop(0)
            option = _OPTIONS.get(word)
            if option is None or not self.words:
                raise NoEqualError(f"{word} has no equal")
            option(self, word, self.words.pop(0), negated)
        if self.ports:
            port = {"rule": "port", **({"protocol": self.protocol} if self.protocol else {}), **self.ports}
            self.found.append(_maybe_not(port, self.not_ports))
        elif self.protocol not in ("", "all"):
            self.found.append({"rule": "protocol", "is": _protocol(self.protocol)})
        if self.rate:
            self.found.append({"not": limit_rule(self.rate, self.burst)})
        return self.found, self.target, self.extra

    def match_protocol(self, word: str, value: str, negated: bool) -> None:
        name = {"ipv6-icmp": "icmpv6", "icmp6": "icmpv6"}.get(value, value)
        if negated:
            self.found.append({"not": {"rule": "protocol", "is": _protocol(name)}})
        else:
            self.protocol = name

    def match_address(self, word: str, value: str, negated: bool) -> None:
        side = "src" if word in ("-s", "--source") else "dst"
        self.found.append(_maybe_not({"rule": "ip", side: _list(value)}, negated))

    def match_interface(self, word: str, value: str, negated: bool) -> None:
        side = "in" if word in ("-i", "--in-interface") else "out"
        name = value[:-1] + "*" if value.endswith("+") else value
        self.found.append(_maybe_not({"rule": "iface", side: name}, negated))

    def match_ports(self, word: str, value: str, negated: bool) -> None:
        self.ports["dst" if word.startswith("--d") else "src"] = _ports(value)
        self.not_ports = negated

    def match_state(self, word: str, value: str, negated: bool) -> None:
        self.found += state_rules(set(value.split(",")), self.hook, negated)

    def load_match(self, word: str, value: str, negated: bool) -> None:
        if value not in _MATCHES:
            raise NoEqualError(f"the match {value} has no equal")

    def note_rate(self, word: str, value: str, negated: bool) -> None:
        if word == "--limit":
            self.rate = value
        else:
            self.burst = value

    def note_extra(self, word: str, value: str, negated: bool) -> None:
        self.extra[{"--comment": "comment", "--log-prefix": "prefix"}.get(word, word)] = value

    def set_target(self, word: str, value: str, negated: bool) -> None:
        self.target = value


_OPTIONS: Final = {
    **dict.fromkeys(("-p", "--protocol"), _Parser.match_protocol),
    **dict.fromkeys(("-s", "--source", "-d", "--destination"), _Parser.match_address),
    **dict.fromkeys(("-i", "--in-interface", "-o", "--out-interface"), _Parser.match_interface),
    **dict.fromkeys(("--dport", "--sport", "--dports", "--sports"), _Parser.match_ports),
    **dict.fromkeys(("--destination-port", "--source-port"), _Parser.match_ports),
    **dict.fromkeys(("--ctstate", "--state"), _Parser.match_state),
    **dict.fromkeys(("-m", "--match"), _Parser.load_match),
    **dict.fromkeys(("--limit", "--limit-burst"), _Parser.note_rate),
    **dict.fromkeys(("--comment", "--log-prefix", "--log-level", "--reject-with"), _Parser.note_extra),
    **dict.fromkeys(("-j", "--jump"), _Parser.set_target),
}


def _maybe_not(rule: Rule, no: bool) -> Rule:
    return {"not": rule} if no else rule


def _protocol(text: str) -> str | int:
    return int(text) if text.isdecimal() else text


def _list(text: str) -> str | list[str]:
    parts = text.split(",")
    return parts if len(parts) > 1 else text


def _ports(text: str) -> Any:
    parts: list[Any] = []
    for part in text.split(","):
        low, colon, high = part.partition(":")
        if not (low + high).isdecimal():
            raise NoEqualError(f"the port {part} by name; write its number")
        parts.append(f"{low or 0}-{high or 65535}" if colon else int(low))
    return parts if len(parts) > 1 else parts[0]


def state_rules(states: set[str], hook: str, no: bool) -> list[Rule]:
    """Return the conditions for states of conntrack. :raises NoEqualError: there are none"""
    if no:
        raise NoEqualError("a negated state has no equal")
    if states <= {"RELATED", "ESTABLISHED"}:
        if hook == "FORWARD":
            raise NoEqualError("answers of forwarded connections: repeat the rule with src and dst exchanged")
        return [{"rule": "flow", "initiator": "local" if hook == "INPUT" else "remote"}]
    if states == {"INVALID"}:
        raise NoEqualError("the plugin `stream` drops invalid segments by itself")
    if "NEW" in states and "INVALID" not in states:
        if "ESTABLISHED" in states or hook == "FORWARD":
            return []
        return [{"rule": "flow", "initiator": "remote" if hook == "INPUT" else "local"}]
    raise NoEqualError(f"the states {','.join(sorted(states))} have no equal")


def limit_rule(rate: str, burst: str) -> Rule:
    """Return what is over a rate, 5/second. :raises NoEqualError: the rate is another one"""
    number, _, per = rate.partition("/")
    if not number.isdecimal() or per not in {**_PER, **{short: short for short in "smhd"}}:
        raise NoEqualError(f"the rate {rate}")
    limit: Rule = {"rule": "limit", "over": f"{number}/{_PER.get(per, per)}", "of": "packets", "by": "all"}
    return {**limit, "burst": int(burst)} if burst.isdecimal() else limit
