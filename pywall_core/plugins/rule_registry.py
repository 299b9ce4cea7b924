"""RuleRegistry: what plugins give their rule kinds to."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..model.rule_kind import RuleKind
from .discovery import PluginError


class RuleRegistry:
    """What ``pywall_rules`` is given: call it with a :class:`RuleKind` class, or :meth:`later` with its name."""

    def __init__(self) -> None:
        self.owner: dict[str, str] = {}
        self.kinds = RuleKinds(self.owner)
        self.registering = ""

    def __call__(self, kind: type[RuleKind]) -> None:
        """Register a kind of rule. Raises ValueError when another plugin has taken the name."""
        self.later(kind.kind, lambda: kind)

    def later(self, name: str, load: Callable[[], type[RuleKind]]) -> None:
        """Register the kind of rule of that name, which ``load`` returns when a rule of the kind is read: a policy
        imports what it asks for. Raises ValueError when another plugin has taken the name.
        """
        taken = self.owner.get(name)
        if taken is not None:
            raise ValueError(f"rule kind {name!r} of plugin {self.registering!r} is already that of {taken!r}")
        self.kinds.add(name, load)
        self.owner[name] = self.registering


class RuleKinds(Mapping[str, type[RuleKind]]):
    """Rule kinds by name, each loaded when it is first asked for: PluginError is raised where that fails."""

    def __init__(self, owner: Mapping[str, str]) -> None:
        self._owner = owner
        self._load: dict[str, Callable[[], type[RuleKind]]] = {}
        self._loaded: dict[str, type[RuleKind]] = {}

    def add(self, name: str, load: Callable[[], type[RuleKind]]) -> None:
        """Add the kind that ``load`` returns."""
        self._load[name] = load

    def __getitem__(self, name: str) -> type[RuleKind]:
        kind = self._loaded.get(name)
        if kind is None:
            kind = self._loaded[name] = self._checked(name, self._load[name])
        return kind

    def _checked(self, name: str, load: Callable[[], type[RuleKind]]) -> type[RuleKind]:
        try:
            kind: object = load()
        except Exception as error:
            raise self._error(name, f"can't be loaded: {type(error).__name__}: {error}") from error
        if not (isinstance(kind, type) and issubclass(kind, RuleKind)):
            raise self._error(name, f"{kind!r} is no subclass of RuleKind")
        if (own := getattr(kind, "kind", None)) != name:
            raise self._error(name, f"the class is of the kind {own!r}")
        return kind

    def _error(self, name: str, problem: str) -> PluginError:
        return PluginError([f"plugin {self._owner[name]!r}: rule kind {name!r}: {problem}"])

    def __contains__(self, name: object) -> bool:
        return name in self._load  # of a Mapping it would load the kind

    def __iter__(self) -> Iterator[str]:
        return iter(self._load)

    def __len__(self) -> int:
        return len(self._load)
