"""Jumps between chains: no circles, no chain that nothing reaches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from ..model.packet import HOOK_NAMES
from .bound_rule import BoundRule
from .errors import Path, nearest
from .model import Config
from .right_forms import hook_form

#: Chains that one packet may be sent through, one after the other.
MAX_JUMPS: Final = 32


def check_jumps(config: Config, chains: Mapping[str, list[BoundRule]]) -> None:
    """Cycles are errors; chains that no packet can reach are errors when misspelt hooks, else warnings."""
    jumps = {
        name: [(str(rule.action), rule.place) for rule in rules if type(rule.action) is str]
        for name, rules in chains.items()
    }
    done: set[str] = set()
    depth: dict[str, int] = {}
    for start in chains:
        trail: list[str] = []
        stack = [(start, iter(jumps[start]))]
        trail.append(start)
        while stack:
            name, rest = stack[-1]
            target, place = next(rest, ("", ""))
            if not target:
                stack.pop()
                trail.pop()
                done.add(name)
                depth[name] = 1 + max((depth.get(target, 0) for target, _ in jumps[name]), default=0)
            elif target in trail:
                circle = " -> ".join([*trail[trail.index(target) :], target])
                chain, _, at = place.partition("[")
                config.error(("chains", chain, int(at[:-1]), "action"), f"jumps in a circle: {circle}")
            elif target not in done:
                trail.append(target)
                stack.append((target, iter(jumps[target])))
    for name in chains:
        if depth[name] == MAX_JUMPS + 2:
            config.error(("chains", name), f"more than {MAX_JUMPS} jumps in a row begin here", key=True)
    hooks = set(HOOK_NAMES.values())
    used = {target for rules in jumps.values() for target, _ in rules}
    for name in chains:
        path: Path = ("chains", name)
        if name in hooks:
            if name not in config.queue.hooks:
                config.warn(path, "W002", f"never asked when live: queue.hooks lacks {name}", key=True)
        elif name not in used:
            hint = nearest(name.upper(), hooks)
            other = hook_form(name)
            if other:
                config.error(path, other, key=True)
            elif hint:
                config.error(path, f"no rule jumps here, and it is not a hook{hint}", key=True)
            else:
                config.warn(path, "W003", "never reached: no rule jumps here", key=True)
