"""Guard: calls plugins. The only place in the core that catches what they raise.

A failure while a packet waits for its verdict (``ask``) is kept until that verdict is due: ``failure.plugin_error``
decides. A failure anywhere else (``call``) costs no packet its verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, final

from ..model.errors import Hung
from .quarantine import Failures

#: (plugin name, function) in call order
Calls = tuple[tuple[str, Callable[..., Any]], ...]


@final
class Raised:
    """What a call returns that has raised ``error``."""

    __slots__ = ("error",)

    def __init__(self, error: BaseException) -> None:
        self.error = error


def attempt(call: Callable[..., Any], *args: Any) -> Any:
    """Return what the call returns, :class:`Raised` where it raises. Nothing is counted: the answer may never be used.

    :raises KeyboardInterrupt: which is nobody's failure
    """
    try:
        return call(*args)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # sys.exit() in a plugin is the plugin's failure, not ours
        return Raised(error)


@final
class Guard:
    """Counts what plugins raise. ``on_quarantine(plugin)`` is called once for one that does not stop raising."""

    def __init__(self, failures: Failures, counters: Counter[str], on_quarantine: Callable[[str], None]) -> None:
        self.failures = failures
        self._counters = counters
        self._on_quarantine = on_quarantine
        #: the plugin that raised while the current packet was evaluated
        self.failed: str | None = None
        #: a call ran too long at the current packet, and the watchdog interrupted it
        self.hung = False
        #: a plugin may be at work: the watchdog reads this
        self.busy = False

    def begin_packet(self) -> None:
        """Forget what was raised at the last packet."""
        self.failed = None
        self.hung = False

    # --- a packet waits for the answer ----------------------------------------------------------------------------

    def ask(self, plugin: str, call: Callable[..., Any], *args: Any) -> Any:
        """Return what the call returns, :class:`Raised` where it raises; then the packet's verdict is that of
        ``failure.plugin_error``.
        """
        try:
            return call(*args)
        except BaseException as error:
            return self._raised(plugin, error)

    def ask2(self, plugin: str, call: Callable[..., Any], first: Any, second: Any) -> Any:
        """As :meth:`ask`, for the calls of each packet: to pack arguments into a tuple costs more than many a call."""
        try:
            return call(first, second)
        except BaseException as error:
            return self._raised(plugin, error)

    def ask3(self, plugin: str, call: Callable[..., Any], first: Any, second: Any, third: Any) -> Any:
        """As :meth:`ask2`, for calls with three arguments."""
        try:
            return call(first, second, third)
        except BaseException as error:
            return self._raised(plugin, error)

    def refuse(self, plugin: str, hook: str, answer: object) -> None:
        """Count an answer that is none of those that the hook may give as an error of the plugin."""
        self._raised(plugin, TypeError(f"{hook} returned {type(answer).__name__}"))

    # --- no packet waits ------------------------------------------------------------------------------------------

    def call(self, plugin: str, hook: Callable[..., Any], *args: Any) -> Any:
        """Return what the hook returns, None where it raises."""
        busy, self.busy = self.busy, True
        try:
            return hook(*args)
        except BaseException as error:
            self._record(plugin, error)
            return None
        finally:
            self.busy = busy

    def call_all(self, calls: Calls, *args: Any) -> None:
        """Call hooks whose results do not matter."""
        for plugin, hook in calls:
            self.call(plugin, hook, *args)

    # --- inside ---------------------------------------------------------------------------------------------------

    def _raised(self, plugin: str, error: BaseException) -> Raised:
        """Record an error of a plugin that was asked about the current packet."""
        self._record(plugin, error)
        self.failed = plugin
        self.hung |= isinstance(error, Hung)
        return Raised(error)

    def _record(self, plugin: str, error: BaseException) -> None:
        if isinstance(error, KeyboardInterrupt):  # nobody's failure
            raise error
        self._counters["failure.plugin_error"] += 1
        if self.failures.record(plugin, error):
            self._on_quarantine(plugin)
