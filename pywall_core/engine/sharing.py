"""What plugins of one worker tell their likes in the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, final

from ..calls.guard import Guard

Receiver = Callable[[list[Any]], None]


@final
class Sharing:
    """Who is told by what name. ``send`` is the way to the other workers, set by the worker; None without others."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._receivers: dict[str, Receiver] = {}
        self.send: Callable[[str, list[Any]], None] | None = None

    def register(self, name: str, received: Receiver) -> None:
        """Call ``received`` for what others tell by this name."""
        self._receivers[name] = received

    def tell(self, name: str, entry: list[Any]) -> None:
        """Tell the other workers."""
        if self.send is not None:
            self.send(name, entry)

    def take(self, name: str, entry: list[Any]) -> None:
        """Hand over what another worker told; by a name that nobody has, nothing happens."""
        received = self._receivers.get(name)
        if received is not None:
            self._guard.call(name, received, entry)
