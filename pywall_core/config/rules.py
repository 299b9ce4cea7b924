"""Second step: the rules of each chain, once the plugins that bring the rule kinds are loaded."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..model.packet import HOOK_NAMES, PROTOCOL_NAMES
from ..model.rule_kind import RuleKind
from ..model.verdict import Action
from .errors import Path, nearest, path_text, shown
from .model import Config

#: Chains that one packet may be sent through, one after the other.
MAX_JUMPS: Final = 32

_COMBINATORS: Final = ("all", "any", "not")
_RULE_KEYS: Final = ("action", "observe", "comment")
#: protocol names that need no detector: nothing recognised, nothing to recognise, an IP protocol by its number
ALWAYS_KNOWN: Final = frozenset({"unknown", "none", *PROTOCOL_NAMES.values()})


@dataclass(frozen=True, slots=True)
class AllOf:
    """YES when all parts are (Kleene)."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """YES when one part is (Kleene)."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part's YES and NO exchanged, PENDING stays."""

    part: Condition


Condition = RuleKind | AllOf | AnyOf | Not


@dataclass(frozen=True, slots=True)
class BoundRule:
    """One rule, ready to be compiled.

    ``action`` is an :class:`Action`, the name of a chain, or None for a kind that only looks. ``place`` is its position
    (``INPUT[2]``), ``mark`` its ``file:line``, ``comment`` the administrator's own words.
    """

    condition: Condition
    action: Action | str | None
    observe: bool
    comment: str
    place: str
    mark: str


def bind_chains(
    config: Config,
    kinds: Mapping[str, type[RuleKind]],
    *,
    capabilities: Collection[str] = (),
    protocols: Collection[str] | None = None,
) -> dict[str, list[BoundRule]]:
    """The rules of all chains by chain name.

    ``kinds`` are the rule kinds of the loaded plugins by name, ``capabilities`` what plugins provide ("segment"),
    ``protocols`` the names that loaded detectors may answer (None: any name is taken).

    :raises ConfigError: with every error noted in ``config`` so far and all that are found here
    """
    binder = _Binder(config, kinds, capabilities, protocols)
    chains = {name: binder.chain(name, rules) for name, rules in config.chains.items()}
    _check_jumps(config, chains)
    config.check()
    return chains


def leaves(condition: Condition) -> Iterator[RuleKind]:
    """The rule kinds of a condition, in the order of the file."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield condition


class _Binder:
    def __init__(
        self,
        config: Config,
        kinds: Mapping[str, type[RuleKind]],
        capabilities: Collection[str],
        protocols: Collection[str] | None,
    ) -> None:
        self.config = config
        self.kinds = kinds
        self.capabilities = capabilities
        self.protocols = None if protocols is None else {*protocols, *ALWAYS_KNOWN}
        # a plugin that could not be loaded explains why its rule kinds are unknown
        self.plugins_failed = any(problem.path.startswith("plugins") for problem in config.problems)
        self.several_workers = config.queue.workers > 1 and config.queue.deal != "host"

    def chain(self, chain: str, rules: list[dict[str, Any]]) -> list[BoundRule]:
        bound = []
        for at, data in enumerate(rules):
            rule = self.rule(data, ("chains", chain, at), f"{chain}[{at}]")
            if rule is not None:
                bound.append(rule)
        return bound

    def rule(self, data: dict[str, Any], path: Path, place: str) -> BoundRule | None:
        condition = self.condition({key: data[key] for key in data if key not in _RULE_KEYS}, path)
        observe = data.get("observe", False)
        if not isinstance(observe, bool):
            self.config.error((*path, "observe"), f"{shown(observe)}: should be true or false")
        comment = data.get("comment", "")
        if not isinstance(comment, str):
            self.config.error((*path, "comment"), f"{shown(comment)}: should be text")
        action = self.action(data, path, condition)
        if condition is None:
            return None
        return BoundRule(condition, action, observe is True, str(comment), place, self.config.place(path))

    def action(self, data: dict[str, Any], path: Path, condition: Condition | None) -> Action | str | None:
        looks_only = isinstance(condition, RuleKind) and not condition.decides
        action = data.get("action")
        if looks_only and action is not None:
            self.config.error((*path, "action"), f"{data['rule']!r} only looks, it takes no action")
        elif not looks_only and action is None and condition is not None:
            self.config.error(path, "'action' is missing (ACCEPT, DROP, REJECT, or a chain)")
        if action is None or looks_only:
            return None
        if isinstance(action, str) and action in Action.__members__:
            return Action[action]
        if isinstance(action, str) and action in self.config.chains:
            return action
        known = [*Action.__members__, *self.config.chains]
        hint = nearest(action.upper() if isinstance(action, str) and action.upper() in known else action, known)
        self.config.error(
            (*path, "action"), f"{shown(action)} is neither an action nor a chain{hint} (allowed: {', '.join(known)})"
        )
        return None

    def condition(self, data: Any, path: Path, *, inside: bool = False) -> Condition | None:
        if not isinstance(data, dict):
            self.config.error(
                path,
                f"{shown(data)}: should be a rule, {{rule: KIND, ...}}, {{all: [...]}}, "
                f"{{any: [...]}} or {{not: {{...}}}}",
            )
            return None
        own = self.parameters(data.get("rule"))
        heads = [key for key in ("rule", *_COMBINATORS) if key in data and key not in own]
        if len(heads) != 1:
            found = f" (found {' and '.join(heads)})" if heads else nearest_head(data)
            self.config.error(path, f"a rule has exactly one of 'rule', 'all', 'any', 'not'{found}")
            return None
        head = heads[0]
        if head == "rule":
            return self.leaf(data, path, inside)
        for key in data:
            if key != head:
                words = f"unknown key beside {head!r} (allowed: {', '.join(_RULE_KEYS)})"
                self.config.error((*path, key), words, key=True)
        if head == "not":
            part = self.condition(data["not"], (*path, "not"), inside=True)
            return None if part is None else Not(part)
        parts = data[head]
        if not isinstance(parts, list) or not parts:
            self.config.error((*path, head), f"{shown(parts)}: should be a list of rules")
            return None
        bound = [self.condition(part, (*path, head, at), inside=True) for at, part in enumerate(parts)]
        whole = tuple(part for part in bound if part is not None)
        if len(whole) != len(bound):
            return None
        return AllOf(whole) if head == "all" else AnyOf(whole)

    def parameters(self, name: Any) -> set[str]:
        """What the rule kind of that name calls its parameters; ``not`` may be one of them."""
        kind = self.kinds.get(name) if isinstance(name, str) else None
        return set() if kind is None else {field.alias or key for key, field in kind.model_fields.items()}

    def leaf(self, data: dict[str, Any], path: Path, inside: bool) -> RuleKind | None:
        name = data["rule"]
        if inside:
            for key in _RULE_KEYS:
                if key in data:
                    self.config.error((*path, key), f"{key!r} belongs to the whole rule, not to a part of it", key=True)
            data = {key: data[key] for key in data if key not in _RULE_KEYS}
        kind = self.kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            if not self.plugins_failed:
                known = ", ".join(sorted(self.kinds)) or "none; name the plugin 'rules' under plugins"
                words = f"unknown rule {shown(name)}{nearest(name, self.kinds)} (known: {known})"
                self.config.error((*path, "rule"), words)
            return None
        if inside and not kind.decides:
            self.config.error((*path, "rule"), f"{name!r} only looks, it cannot be part of a condition")
            return None
        rule = self.config.validate_part(kind, {key: data[key] for key in data if key != "rule"}, path)
        if rule is not None:
            self.check_needs(rule, path)
        return rule

    def check_needs(self, rule: RuleKind, path: Path) -> None:
        for capability in rule.requires:
            if capability not in self.capabilities:
                self.config.error(
                    (*path, "rule"),
                    f"{rule.kind!r} needs a plugin that provides {capability!r}, and none is named under plugins",
                )
        if rule.state == "host" and self.several_workers:
            words = "remembers hosts, which several workers would split: set queue.deal: host, or queue.workers: 1"
            self.config.error((*path, "rule"), f"{rule.kind!r} {words}")
        if self.protocols is None or self.plugins_failed:
            return
        for name in rule.protocols():
            if name not in self.protocols:
                at = next((found for found in self.places(name, path)), path)
                known = ", ".join(sorted(self.protocols))
                hint = nearest(name, self.protocols)
                self.config.error(at, f"no loaded plugin recognises {name!r}{hint} (known: {known})")

    def places(self, value: str, path: Path) -> Iterator[Path]:
        """Paths below ``path`` at which the file says ``value``."""
        data: Any = self.config.chains
        for step in path[1:]:
            data = data[step]
        for key, item in data.items():
            if key != "rule" and item == value:
                yield (*path, key)
            elif isinstance(item, list):
                yield from ((*path, key, at) for at, entry in enumerate(item) if entry == value)


def nearest_head(data: dict[str, Any]) -> str:
    """A hint where a head is misspelt."""
    return next((hint for key in data if (hint := nearest(key, ("rule", *_COMBINATORS)))), "")


def _check_jumps(config: Config, chains: dict[str, list[BoundRule]]) -> None:
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
                config.warnings.append(f"{path_text(path)} is never asked when live: queue.hooks lacks {name}")
        elif name not in used:
            hint = nearest(name.upper(), hooks)
            if hint:
                config.error(path, f"no rule jumps here, and it is no hook{hint}", key=True)
            else:
                config.warnings.append(f"{path_text(path)} is never reached: no rule jumps there")
