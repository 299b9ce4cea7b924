"""RuleRegistry: what plugins give their rule kinds to."""

from __future__ import annotations

from ..model.rule_kind import RuleKind


class RuleRegistry:
    """What ``pywall_rules`` is given: call it with a :class:`RuleKind` class."""

    def __init__(self) -> None:
        self.kinds: dict[str, type[RuleKind]] = {}
        self.owner: dict[str, str] = {}
        self.registering = ""

    def __call__(self, kind: type[RuleKind]) -> None:
        """Register a kind of rule. Raises ValueError when another plugin has taken the name."""
        taken = self.owner.get(kind.kind)
        if taken is not None:
            raise ValueError(f"rule kind {kind.kind!r} of plugin {self.registering!r} is already that of {taken!r}")
        self.kinds[kind.kind] = kind
        self.owner[kind.kind] = self.registering
