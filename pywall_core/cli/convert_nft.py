"""Rules of nftables as a policy: ``nft -j list ruleset``, or a ruleset as text, which nft itself reads.

What has an equal is converted; of everything else a note says where and why. A jump comes back, ours does not: the
rules of a chain are put where it is jumped to, with the jump's conditions in front. Format: libnftables-json(5).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any, Final

from .convert_forward import both_ways
from .convert_iptables import Converted
from .convert_lines import state_rules
from .convert_matches import NoEqualError, Rule
from .convert_nft_text import text_as_json
from .convert_nft_values import (
    Expression,
    address_of,
    count_as_rule,
    element_of,
    limit_as_rule,
    number_range,
    port_of,
    values_of,
)

_HOOKS: Final = {"input": "INPUT", "output": "OUTPUT", "forward": "FORWARD"}
_FAMILIES: Final = {"inet": [], "ip": [{"rule": "ip", "src": "0.0.0.0/0"}], "ip6": [{"rule": "ip", "src": "::/0"}]}
_SET_TYPES: Final = {"ipv4_addr": "addresses", "ipv6_addr": "addresses", "inet_service": "ports"}
_PORT_PROTOCOLS: Final = ("tcp", "udp", "sctp", "dccp", "udplite")
_ICMP: Final = ("icmp", "icmpv6")
_PROTOCOLS: Final = {"ipv6-icmp": "icmpv6"}
_MAX_DEPTH: Final = 8


def looks_like_nft(text: str) -> bool:
    """Return True if the text is a ruleset of nftables, as JSON or as nft writes it."""
    if text.lstrip().startswith("{"):
        return '"nftables"' in text[:4096]
    return (
        re.search(r"^\s*(?:add\s+)?table\s+(?:inet|ip|ip6|arp|bridge|netdev)\s+\w+\s*(?:\{|$)", text, re.MULTILINE)
        is not None
    )


def convert(text: str) -> Converted:
    """Return the base chains of type filter as a policy; other tables are left to netfilter, beside which PyWall works.

    :raises ValueError: it is no ruleset; the text says why
    """
    notes: list[str] = []
    if not text.lstrip().startswith("{"):
        text, notes = text_as_json(text)
    found = json.loads(text)
    objects = found.get("nftables") if isinstance(found, dict) else None
    if not isinstance(objects, list):
        raise ValueError("no list 'nftables' in it")
    converted = _Ruleset([one for one in objects if isinstance(one, dict)]).convert()
    return Converted(converted.data, notes + converted.notes)


class _Ruleset:
    def __init__(self, objects: list[dict[str, Any]]) -> None:
        self._notes: list[str] = []
        self._plugins = ["rules"]
        self._chains: list[dict[str, Any]] = []
        self._rules: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        self._sets: dict[tuple[str, str], dict[str, Any]] = {}
        for one in objects:
            for kind, body in one.items():
                if kind == "chain":
                    self._chains.append(body)
                elif kind == "rule":
                    self._rules.setdefault((body["family"], body["table"], body["chain"]), []).append(body)
                elif kind in ("set", "map"):
                    self._sets[body["table"], body["name"]] = {**body, "kind": kind}
        #: named sets that rules ask for, as the policy has them
        self._used: dict[str, dict[str, Any]] = {}

    def convert(self) -> Converted:
        """Return the policy."""
        chains: dict[str, list[Rule]] = {}
        default: dict[str, str] = {}
        bases: dict[str, list[str]] = {}
        for chain in sorted((c for c in self._chains if "hook" in c), key=lambda c: int(c.get("prio", 0))):
            hook = _HOOKS.get(chain["hook"])
            if chain.get("type") != "filter" or hook is None or chain["family"] not in _FAMILIES:
                continue
            bases.setdefault(hook, []).append(f"{chain['table']} {chain['name']}")
            rules = chains.setdefault(hook, [])
            key = (chain["family"], chain["table"], chain["name"])
            rules += self._chain(key, hook, _FAMILIES[chain["family"]], 0)
            if str(chain.get("policy", "accept")).upper() == "DROP":
                default[hook] = "DROP"
            else:
                default.setdefault(hook, "ACCEPT")
        for hook, names in bases.items():
            if len(names) > 1:
                joined = f"{hook}: {', '.join(names)} are one chain now"
                self._notes.append(f"{joined}, and an accept in the first is the last word")
        if "FORWARD" in chains:
            chains["FORWARD"] = both_ways(chains["FORWARD"], self._notes)
        if any("`stream`" in note for note in self._notes):
            self._plugins.insert(1, "stream")
        if not chains:
            raise ValueError("it has no chain of type filter at input, output or forward")
        data: dict[str, Any] = {
            "version": 1,
            "plugins": self._plugins,
            "chains": chains,
            "default": default or "ACCEPT",
        }
        if self._used:
            data["sets"] = self._used
        return Converted(data, self._notes)

    def _chain(self, key: tuple[str, str, str], hook: str, outer: list[Rule], depth: int) -> list[Rule]:
        converted: list[Rule] = []
        outer = [*outer]  # and what rules before have taken out of the chain
        rules = self._rules.get(key, [])
        for number, rule in enumerate(rules):
            if rule is rules[-1] and depth and _only_returns(rule):
                continue
            place = f"{' '.join(key[1:])}, rule {number + 1}"
            try:
                for conditions, verdict in self._branches(rule, hook, place):
                    if "return" not in verdict:
                        converted += self._decision(key, hook, [*outer, *conditions], verdict, rule, depth)
                    if "return" in verdict or "goto" in verdict:
                        if not conditions:
                            return converted
                        outer.append({"not": conditions[0] if len(conditions) == 1 else {"all": conditions}})
            except NoEqualError as error:
                self._notes.append(f"{place}: not converted, {error}: {_short(rule)}")
        return converted

    def _decision(
        self,
        key: tuple[str, str, str],
        hook: str,
        conditions: list[Rule],
        verdict: Expression,
        rule: Expression,
        depth: int,
    ) -> list[Rule]:
        (word, value), *_ = verdict.items()
        if word in ("jump", "goto"):
            if depth >= _MAX_DEPTH:
                raise NoEqualError("jumps too deep")
            return self._chain((*key[:2], value["target"]), hook, conditions, depth + 1)
        if word == "log":
            if conditions:
                raise NoEqualError("`log` takes no conditions; put it behind rules that decide")
            return [{"rule": "log", "message": str((value or {}).get("prefix", "")).strip() or "logged"}]
        words = {"action": word.upper(), **({"comment": rule["comment"]} if rule.get("comment") else {})}
        if not conditions:
            return [{"rule": "always", **words}]
        return [{**(conditions[0] if len(conditions) == 1 else {"all": conditions}), **words}]

    def _branches(self, rule: Expression, hook: str, place: str) -> Iterator[tuple[list[Rule], Expression]]:
        """Yield the conditions and the verdict of a rule; one with a verdict map has several."""
        conditions: list[Rule] = []
        verdict: Expression | None = None
        log: Expression | None = None
        for expression in rule.get("expr", ()):
            (word, value), *_ = expression.items()
            if word in ("accept", "drop", "reject", "jump", "goto", "return"):
                verdict = expression
            elif word == "match":
                conditions += self._match(value, rule, hook)
            elif word == "log":
                log = expression
            elif word == "limit":
                conditions.append(limit_as_rule(value))
            elif word == "ct count":
                conditions.append(count_as_rule(value))
            elif word == "vmap":
                for key, decision in self._verdict_map(value, rule["table"]):
                    try:
                        condition = self._match({"op": "==", "left": value["key"], "right": key}, rule, hook)
                    except NoEqualError as error:
                        self._notes.append(f"{place}, {key}: not converted, {error}")
                        continue
                    yield [*conditions, *condition], decision
                return
            elif word != "counter":
                raise NoEqualError(f"{word} has no equal")
        if verdict is None and log is None:
            return  # it counts, and decides nothing
        yield conditions, verdict or log or {}

    def _verdict_map(self, value: Expression, table: str) -> list[tuple[Any, Expression]]:
        data = value["data"]
        entries = self._sets.get((table, data[1:]), {}).get("elem") if isinstance(data, str) else data.get("set")
        found: list[tuple[Any, Expression]] = [(key, decision) for key, decision in entries or ()]
        if any("return" in decision or "continue" in decision for _, decision in found):
            raise NoEqualError("a map with return or continue has no equal")
        return found

    def _match(self, match: Expression, rule: Expression, hook: str) -> list[Rule]:
        left, right, op = match["left"], match["right"], match["op"]
        if op not in ("==", "!=", "in") or not isinstance(left, dict):
            raise NoEqualError(f"the comparison {op} has no equal")
        (kind, what), *_ = left.items()
        key = what.get("key") or what.get("field") if isinstance(what, dict) else None
        if kind == "ct" and key == "state":
            return state_rules({str(state).upper() for state in values_of(right)}, hook, op == "!=")
        condition = self._condition(kind, what, key, right, rule["table"])
        if op != "!=":
            return [condition]
        # what nft reads the field of: a packet without it does not match
        protocol = what.get("protocol") if isinstance(what, dict) else None
        has_field: list[Rule] = []
        if kind == "payload" and protocol in ("ip", "ip6"):
            has_field = _FAMILIES[protocol]
        elif kind == "payload" and key in ("sport", "dport"):
            has_field = [{"rule": "protocol", "is": [*_PORT_PROTOCOLS] if protocol == "th" else protocol}]
        return [*has_field, {"not": condition}]

    def _condition(self, kind: str, what: Any, key: Any, right: Any, table: str) -> Rule:
        protocol = what.get("protocol") if isinstance(what, dict) else None
        if kind == "payload" and protocol in ("ip", "ip6") and key in ("saddr", "daddr"):
            return {"rule": "ip", "src" if key == "saddr" else "dst": self._operand(right, table, address_of)}
        if kind == "payload" and key in ("sport", "dport") and protocol in (*_PORT_PROTOCOLS, "th"):
            ports = {"src" if key == "sport" else "dst": self._operand(right, table, port_of)}
            return {"rule": "port", **({} if protocol == "th" else {"protocol": protocol}), **ports}
        if (kind, key) in (("meta", "l4proto"), ("payload", "protocol"), ("payload", "nexthdr")):
            return {"rule": "protocol", "is": self._operand(right, table, lambda name: _PROTOCOLS.get(name, name))}
        if kind == "meta" and key in ("iif", "iifname", "oif", "oifname"):
            return {"rule": "iface", "in" if key[0] == "i" else "out": self._operand(right, table, str)}
        if kind == "meta" and key == "nfproto":
            return {"rule": "ip", "src": {"ipv4": "0.0.0.0/0", "ipv6": "::/0"}[right]}
        if kind == "meta" and key == "skuid":
            self._need("process")
            return {"rule": "user", "is": self._operand(right, table, number_range)}
        if kind == "socket" and key == "cgroupv2":
            self._need("process")
            return {"rule": "cgroup", "path": [f"/{right}", f"/{right}/*"]}
        form = "; all ICMP: {rule: protocol, is: [icmp, icmpv6], action: ACCEPT}" if protocol in _ICMP else ""
        raise NoEqualError(f"{kind} {protocol or ''} {key or ''} has no equal{form}".replace("  ", " "))

    def _need(self, plugin: str) -> None:
        if plugin not in self._plugins:
            self._plugins.append(plugin)

    def _operand(self, right: Any, table: str, form: Callable[[Any], Any]) -> Any:
        if isinstance(right, str) and right.startswith("@"):
            return self._named(right[1:], table)
        values = [form(value) for value in values_of(right)]
        return values[0] if len(values) == 1 else values

    def _named(self, name: str, table: str) -> str:
        body = self._sets.get((table, name))
        kind = _SET_TYPES.get(str(body.get("type"))) if body is not None else None
        if body is None or kind is None:
            raise NoEqualError(f"the set {name} is of a type that has no equal")
        form = address_of if kind == "addresses" else port_of
        entries = [form(element_of(value)) for value in body.get("elem", ())]
        section = {"type": kind, **({"entries": entries} if entries else {})}
        if self._used.setdefault(name, section) != section:
            raise NoEqualError(f"two sets are called {name}")
        return f"@{name}"


def _only_returns(rule: Expression) -> bool:
    return [next(iter(expression)) for expression in rule.get("expr", ()) if "counter" not in expression] == ["return"]


def _short(rule: Expression) -> str:
    return json.dumps([one for one in rule.get("expr", ()) if "counter" not in one])[:160]
