"""What rule kinds warn of in their own parameters."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from ..config import AllOf, AnyOf, BoundRule, Condition, Config, Not, Path
from ..model.packet import HOOK_NAMES
from ..model.rule_kind import RuleKind, Surroundings


def lint_kinds(config: Config, chains: Mapping[str, list[BoundRule]]) -> None:
    """Ask each rule kind about each of its rules."""
    there = interfaces()
    hooks = _hooks_of(chains)
    for name, rules in chains.items():
        surroundings = Surroundings(there, hooks[name])
        for rule in rules:
            for path, kind, given in _leaves(rule.condition, config.at(rule.path), rule.path):
                for parameter, code, message in kind.lint(given, surroundings):
                    config.warn((*path, parameter) if parameter else path, code, message)


def _hooks_of(chains: Mapping[str, list[BoundRule]]) -> dict[str, frozenset[str]]:
    """Return the hooks from which each chain is reached."""
    found: dict[str, set[str]] = {name: set() for name in chains}
    for hook in set(HOOK_NAMES.values()) & chains.keys():
        ahead = [hook]
        while ahead:
            name = ahead.pop()
            if name in chains and hook not in found[name]:
                found[name].add(hook)
                ahead += [rule.action for rule in chains[name] if type(rule.action) is str]
    return {name: frozenset(hooks) for name, hooks in found.items()}


def interfaces() -> frozenset[str] | None:
    """Return the names of this machine's network interfaces; None where they cannot be listed."""
    try:
        return frozenset(os.listdir("/sys/class/net"))
    except OSError:
        return None


def _leaves(condition: Condition, data: Any, path: Path) -> Iterator[tuple[Path, RuleKind, Mapping[str, Any]]]:
    """Place, kind and text of each leaf of a rule."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            head = "all" if isinstance(condition, AllOf) else "any"
            for at, part in enumerate(parts):
                yield from _leaves(part, data[head][at], (*path, head, at))
        case Not(part):
            yield from _leaves(part, data["not"], (*path, "not"))
        case _:
            yield path, condition, data
