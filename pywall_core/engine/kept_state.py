"""KeptState: what plugins and rules keep over a reload, a replaced worker and a restart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from ..calls.guard import Guard


@final
class KeptState:
    """Who keeps what, by name: see :meth:`pywall_core.model.host.Host.keep`."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._owners: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}

    def add(self, name: str, save: Callable[[], Any], load: Callable[[Any], None]) -> None:
        """Ask ``save`` for the state of this name, and give it to ``load``; a later owner of the name replaces it."""
        self._owners[name] = save, load

    def save(self) -> dict[str, Any]:
        """Return all states by name; None where an owner failed."""
        return {name: self._guard.call(name, save) for name, (save, _) in self._owners.items()}

    def load(self, states: dict[str, Any]) -> None:
        """Give out what :meth:`save` of another process returned; names that nobody has are left out."""
        for name, (_, load) in self._owners.items():
            if states.get(name) is not None:
                self._guard.call(name, load, states[name])
