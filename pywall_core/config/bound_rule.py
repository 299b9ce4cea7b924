"""A rule as the configuration has bound it: its condition as rule kinds, what is done, and what it is called."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any, Final

from ..model.rule_kind import RuleKind
from ..model.verdict import Action
from .errors import Path
from .set_addition import SetAddition

#: keys of a rule other than its condition
RULE_KEYS: Final = ("action", "add", "name", "comment", "observe", "enabled")
#: Characters of a title at most.
MAX_TITLE: Final = 60


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
    (``INPUT[2]``), ``mark`` its ``file:line``, ``comment`` and ``name`` the administrator's own words, ``text`` its
    condition in one line.
    """

    condition: Condition
    action: Action | str | None
    observe: bool
    comment: str
    place: str
    mark: str
    name: str = ""
    text: str = ""
    path: Path = ()
    add: SetAddition | None = None

    @property
    def title(self) -> str:
        """What the rule is called wherever it is shown: its name, else its comment, else its condition, cut short."""
        title = self.name or self.comment or self.text
        return title if len(title) <= MAX_TITLE else title[: MAX_TITLE - 3] + "..."


def rule_text(rule: dict[str, Any], own: Collection[str] = ()) -> str:
    """Return a rule's condition as in the file, in one line: ``(port protocol=tcp dst=22 and not app is=ssh)``.
    ``own`` are the parameters of its kind, which may have the name of a key that belongs to rules."""
    if "rule" in rule:
        parameters = (
            f"{key}={_value(rule[key])}" for key in rule if key != "rule" and (key in own or key not in RULE_KEYS)
        )
        return " ".join([str(rule["rule"]), *parameters])
    if "not" in rule:
        return f"not {rule_text(rule['not'])}"
    head = "all" if "all" in rule else "any"
    return "(" + (" and " if head == "all" else " or ").join(map(rule_text, rule[head])) + ")"


def _value(value: object) -> str:
    return ",".join(map(str, value)) if isinstance(value, list) else str(value)


def leaves(condition: Condition) -> Iterator[RuleKind]:
    """Yield the rule kinds of a condition, in the order of the file."""
    match condition:
        case AllOf(parts) | AnyOf(parts):
            for part in parts:
                yield from leaves(part)
        case Not(part):
            yield from leaves(part)
        case _:
            yield condition
