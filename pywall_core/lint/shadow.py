"""Rules that can never decide, since a rule before them decides all that they would match."""

from __future__ import annotations

from collections.abc import Mapping

from ..config import AllOf, AnyOf, BoundRule, Condition, Config, Not

#: Pairs of rules that are compared at most in one chain: what takes longer than that is not worth a start's time.
MAX_PAIRS = 200_000


def lint_shadows(config: Config, chains: Mapping[str, list[BoundRule]]) -> None:
    """Note each rule that is covered by one before it."""
    for rules in chains.values():
        deciding: list[BoundRule] = []
        pairs = 0
        for rule in rules:
            pairs += len(deciding)
            if pairs > MAX_PAIRS:
                break
            before = next((other for other in deciding if covers(other.condition, rule.condition)), None)
            if before is not None:
                config.warn(rule.path, "W010", f"never decides: {_named(before)} matches all that it would match")
            elif not rule.observe and rule.action is not None:
                deciding.append(rule)


def covers(first: Condition, second: Condition) -> bool:
    """``first`` answers YES to every packet to which ``second`` may, as far as the conditions say by themselves."""
    if isinstance(first, AllOf):
        return all(covers(part, second) for part in first.parts)
    if isinstance(second, AnyOf):
        return all(covers(first, part) for part in second.parts)
    if isinstance(first, AnyOf):
        return any(covers(part, second) for part in first.parts)
    if isinstance(second, AllOf):
        return any(covers(first, part) for part in second.parts)
    if isinstance(first, Not) or isinstance(second, Not):
        return isinstance(first, Not) and isinstance(second, Not) and covers(second.part, first.part)
    return first.covers(second)


def _named(rule: BoundRule) -> str:
    where = rule.mark.rpartition(":")[2]
    return f"{rule.name or rule.text!r} in line {where}" if where else rule.place
