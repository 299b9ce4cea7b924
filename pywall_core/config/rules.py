"""Second step: the rules of each chain, once the plugins that bring the rule kinds are loaded."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from ..model.rule_kind import RuleKind
from ..model.verdict import Action
from .aliases import ACTION_ALIASES, ACTION_FORMS
from .bound_rule import RULE_KEYS, AllOf, AnyOf, BoundRule, Condition, Not, rule_text
from .errors import Path, nearest, shown, some_of
from .jumps import check_jumps
from .kind_names import KIND_ALIASES, KIND_FORMS
from .model import Config
from .names import PROTOCOL_ALIASES, bringing, installed_kinds
from .other_firewalls import line_form
from .right_forms import action_form, addition_form, beside_form, kind_form, rule_form
from .rule_needs import Facts, RuleNeeds, no_set
from .set_addition import SetAddition

_COMBINATORS: Final = ("all", "any", "not")
#: Characters of a rule's name and comment at most.
MAX_TEXT: Final = 200
#: Kinds of rules of other firewalls that ask for the state of a connection.
_STATES: Final = frozenset({"state", "ct", "conntrack", "ctstate", "established", "related"})


def bind_chains(
    config: Config,
    kinds: Mapping[str, type[RuleKind]],
    *,
    capabilities: Collection[str] = (),
    protocols: Collection[str] | None = None,
    facts: Facts | None = None,
) -> dict[str, list[BoundRule]]:
    """Return the rules of all chains by chain name.

    ``kinds`` are the rule kinds of the loaded plugins by name, ``capabilities`` what plugins provide ("segment"),
    ``protocols`` the names that loaded detectors may answer, ``facts`` what plugins declare (None: any name is taken).

    :raises ConfigError: with every error noted in ``config`` so far and all that are found here
    """
    binder = _Binder(config, kinds, capabilities, protocols, facts)
    chains = {name: binder.chain(name, rules) for name, rules in config.chains.items()}
    check_jumps(config, chains)
    config.check()
    return chains


class _Binder:
    def __init__(
        self,
        config: Config,
        kinds: Mapping[str, type[RuleKind]],
        capabilities: Collection[str],
        protocols: Collection[str] | None,
        facts: Facts | None,
    ) -> None:
        self.config = config
        self.kinds = kinds
        self.needs = RuleNeeds(config, capabilities, protocols, facts)

    def chain(self, chain: str, rules: list[dict[str, Any]]) -> list[BoundRule]:
        bound = []
        for at, data in enumerate(rules):
            rule = self.rule(data, ("chains", chain, at), f"{chain}[{at}]")
            if rule is not None:
                bound.append(rule)
        return bound

    def rule(self, data: Any, path: Path, place: str) -> BoundRule | None:
        if not isinstance(data, dict):
            self.config.error(path, line_form(data))
            return None
        own = self.parameters(data.get("rule"))
        keys = {key: data[key] for key in RULE_KEYS if key in data and key not in own}
        condition = self.condition({key: data[key] for key in data if key not in keys}, path)
        observe, enabled = (self.truth(keys, key, path, default=key == "enabled") for key in ("observe", "enabled"))
        name, comment = (self.text(keys, key, path) for key in ("name", "comment"))
        action = self.action(data, path, condition)
        if condition is None or not enabled:
            return None
        add = self.addition(keys.get("add"), (*path, "add"))
        return BoundRule(
            condition, action, observe, comment, place, self.config.place(path), name, rule_text(data, own), path, add
        )

    def addition(self, data: Any, path: Path) -> SetAddition | None:
        if data is None:
            return None
        form = addition_form(data)
        if form is not None:
            self.config.error(path, form)
            return None
        addition = self.config.validate_part(SetAddition, data, path)
        if addition is not None and addition.set.startswith("@"):
            self.config.error((*path, "set"), f"{addition.set!r}: write it without the @, {addition.set[1:]}")
        elif addition is not None and addition.set not in self.config.sets:
            self.config.error((*path, "set"), no_set(addition.set, self.config.sets))
        if addition is not None:
            self.needs.check_added(addition.key, (*path, "key"))
        return addition

    def truth(self, keys: dict[str, Any], key: str, path: Path, *, default: bool) -> bool:
        value = keys.get(key, default)
        if not isinstance(value, bool):
            self.config.error((*path, key), f"{shown(value)}: should be true or false")
            return default
        return value

    def text(self, keys: dict[str, Any], key: str, path: Path) -> str:
        value = keys.get(key, "")
        if not isinstance(value, str):
            self.config.error((*path, key), f"{shown(value)}: should be text (in quotes if it looks like a number)")
            return ""
        if len(value) > MAX_TEXT:
            self.config.error((*path, key), f"{len(value)} characters: should be at most {MAX_TEXT}")
        return value

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
        self.config.error((*path, "action"), self.no_action(action))
        return None

    def no_action(self, action: Any) -> str:
        known = [*Action.__members__, *self.config.chains]
        problem = f"{shown(action)} is neither an action nor a chain{action_form(action)}"
        form = ACTION_FORMS.get(re.split(r"[\s;]", str(action).lower())[0])
        if form is not None and isinstance(action, str):
            return f"{problem}: {form}"
        hint = nearest(action, known, ACTION_ALIASES)
        chains = some_of(action, self.config.chains)
        return f"{problem}{hint} (allowed: {', '.join(Action.__members__)}, or a chain: {chains})"

    def condition(self, data: Any, path: Path, *, inside: bool = False) -> Condition | None:
        if not isinstance(data, dict):
            self.config.error(path, line_form(data))
            return None
        own = self.parameters(data.get("rule"))
        heads = [key for key in ("rule", *_COMBINATORS) if key in data and key not in own]
        if len(heads) != 1:
            found = f" (found {' and '.join(heads)})" if heads else ""
            form = rule_form(data, {*self.kinds, *installed_kinds()})
            self.config.error(path, f"a rule has exactly one of 'rule', 'all', 'any', 'not'{found}{form}")
            return None
        head = heads[0]
        if head == "rule":
            return self.leaf(data, path, inside)
        for key in data:
            if key != head:
                message = f"unknown key beside {head!r} (allowed: {', '.join(RULE_KEYS)})"
                self.config.error((*path, key), message, key=True)
        if head == "not":
            part = self.condition(data["not"], (*path, "not"), inside=True)
            return None if part is None else Not(part)
        parts = data[head]
        if not isinstance(parts, list) or not parts:
            form = ": write [{...}]" if isinstance(parts, dict) else ", [{rule: ...}, ...]" if parts == [] else ""
            what = "nothing in it" if parts == [] else shown(parts)
            self.config.error((*path, head), f"{what}: should be a list of rules{form}")
            return None
        bound = [self.condition(part, (*path, head, at), inside=True) for at, part in enumerate(parts)]
        whole = tuple(part for part in bound if part is not None)
        if len(whole) != len(bound):
            return None
        return AllOf(whole) if head == "all" else AnyOf(whole)

    def parameters(self, name: Any) -> set[str]:
        """Return what the rule kind of that name calls its parameters; ``not`` may be one of them."""
        kind = self.kinds.get(name) if isinstance(name, str) else None
        return set() if kind is None else {field.alias or key for key, field in kind.model_fields.items()}

    def leaf(self, data: dict[str, Any], path: Path, inside: bool) -> RuleKind | None:
        name = data["rule"]
        if inside:
            whole = [key for key in RULE_KEYS if key in data and key not in self.parameters(name)]
            for key in whole:
                self.config.error((*path, key), f"{key!r} belongs to the whole rule, not to a part of it", key=True)
            data = {key: data[key] for key in data if key not in whole}
        kind = self.kinds.get(name) if isinstance(name, str) else None
        if kind is None:
            if not self.needs.plugins_failed:
                self.config.error((*path, "rule"), self.no_kind(name))
            return None
        if inside and not kind.decides:
            self.config.error((*path, "rule"), f"{name!r} only looks, it cannot be part of a condition")
            return None
        data = {key: data[key] for key in data if key != "rule"}
        also = () if inside else RULE_KEYS
        parameters = self.parameters(name)
        for other in data.keys() - parameters - set(also):
            if form := beside_form(other, data[other], name, parameters):
                self.config.error((*path, other), form, key=True)
                del data[other]
        rule = self.config.validate_part(kind, data, path, also=also)
        if rule is not None:
            self.needs.check(rule, path)
        return rule

    def no_kind(self, name: Any) -> str:
        problem = f"unknown rule {shown(name)}"
        if name is None:
            return f"the name of a rule kind is missing (known: {some_of('port', self.kinds)}; pywall rules lists them)"
        if isinstance(name, str) and " " in name and (form := line_form(name)).endswith("}"):
            return f"{problem}{form.partition('should be a rule')[2]}"
        if not isinstance(name, str):
            form = kind_form(name, self.kinds)
            return f"{problem}: should be the name of a rule kind{form} (known: {some_of('port', self.kinds)})"
        hint = bringing("pywall.rules", name, self.needs.named) or nearest(name, self.kinds, KIND_ALIASES)
        if name.lower() in _STATES and "flow" in self.kinds:
            hint = "; for answers to what this host began write {rule: flow, initiator: local}"
        hint = KIND_FORMS.get(name.lower(), "") or hint
        if not hint and self.needs.facts is not None and self.needs.facts.has(name):
            hint = f"; write {{rule: fact, name: {name}, is: ...}}"
        if not hint and PROTOCOL_ALIASES.get(name, name) in (self.needs.protocols or ()):
            hint = f"; write {{rule: app, is: {PROTOCOL_ALIASES.get(name, name)}}}"
        if not hint and not self.kinds:
            hint = "; no plugin under plugins brings rules, add '- rules'"
        return f"{problem}{hint} (known: {some_of(name, self.kinds) or 'none'}; pywall rules lists them)"
