"""A rule as the configuration states it, bound to its kind: what :mod:`pywall_core.chain` compiles."""

from __future__ import annotations

from dataclasses import dataclass

from ..rulekind import RuleKind
from ..types import Action


@dataclass(slots=True, frozen=True)
class AllOf:
    """``all: [..]``: YES when all are (Kleene: NO beats PENDING beats YES)."""

    parts: tuple[Condition, ...]


@dataclass(slots=True, frozen=True)
class AnyOf:
    """``any: [..]``: YES when one is (Kleene: YES beats PENDING beats NO)."""

    parts: tuple[Condition, ...]


@dataclass(slots=True, frozen=True)
class Not:
    """``not: {..}``: YES for NO, NO for YES, PENDING stays."""

    part: Condition


Condition = RuleKind | AllOf | AnyOf | Not


@dataclass(slots=True, frozen=True)
class BoundRule:
    """One entry of a chain. ``action`` is an Action, the name of a chain, or None for kinds that only look.

    ``path`` is its place (``INPUT[2]``), ``where`` its ``file:line``, ``plugins`` the names of the plugins whose kinds it uses.
    """

    condition: Condition
    action: Action | str | None
    path: str
    where: str
    plugins: tuple[str, ...]
    observe: bool = False
    comment: str = ""
