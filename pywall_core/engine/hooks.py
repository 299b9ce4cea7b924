"""Calls into plugins: the only place that catches what their hooks and rules raise.

A failure during the judgement of a packet is kept until the packet's verdict is due: ``failure.plugin_error`` decides.
A failure anywhere else costs no packet its verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, final

from ..model.errors import Hung
from ..model.flow import Flow
from ..model.packet import Packet
from ..model.verdict import Drop, Verdict
from .quarantine import Failures
from .timing import CHAINS, Calls, Timing

Walk = Callable[[Packet, Flow], Verdict]

#: the name under which failures of rules are counted: a chain does not say which of its rules raised
RULES = "rules"


@final
class Guard:
    """Counts what plugins raise. ``on_quarantine(plugin)`` is called for one that does not stop raising."""

    def __init__(self, failures: Failures, counters: Counter[str], on_quarantine: Callable[[str], None]) -> None:
        self.failures = failures
        self._counters = counters
        self._on_quarantine = on_quarantine
        #: the plugin that raised while the current packet was judged
        self.failed: str | None = None
        #: it did not come back, and the watchdog interrupted it
        self.hung = False
        #: a plugin may be at work: the watchdog looks at this
        self.busy = False

    def begin_packet(self) -> None:
        """Forget what was raised at the last packet."""
        self.failed = None
        self.hung = False

    def record(self, plugin: str, error: BaseException) -> None:
        """Count an error outside the judgement of a packet."""
        self._counters["failure.plugin_error"] += 1
        if self.failures.record(plugin, error):
            self._on_quarantine(plugin)

    def record_at_packet(self, plugin: str, error: BaseException) -> None:
        """Count an error of a plugin that was asked about the current packet."""
        self.failed = plugin
        self.hung |= isinstance(error, Hung)
        self.record(plugin, error)

    def call(self, plugin: str, hook: Callable[..., Any], *args: Any) -> Any:
        """Return what the hook returns, None when it raised. No packet's verdict depends on it."""
        busy, self.busy = self.busy, True
        try:
            return hook(*args)
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # sys.exit() in a plugin is the plugin's failure, not ours
            self.record(plugin, error)
            return None
        finally:
            self.busy = busy

    def call_all(self, calls: Calls, *args: Any) -> None:
        """Call hooks whose results do not matter."""
        for plugin, hook in calls:
            self.call(plugin, hook, *args)


@final
class PacketHooks:
    """The calls that packets wait for: hooks ``packet``, ``decided`` and ``segment``, and the rules."""

    def __init__(self, guard: Guard, packet: Calls, decided: Calls, segment: Calls, walk: Walk) -> None:
        self._guard = guard
        self._packet = packet
        self._decided = decided
        self._segment = segment
        self._walk = walk

    def packet(self, packet: Packet, flow: Flow) -> Drop | None:
        """Return the first veto of the ``packet`` hooks, None when there is none."""
        for plugin, hook in self._packet:
            try:
                veto = hook(packet, flow)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._guard.record_at_packet(plugin, error)
                continue
            if veto is None:
                continue
            if type(veto) is Drop:
                return veto
            self._guard.record_at_packet(plugin, TypeError(f"pywall_packet returned {type(veto).__name__}"))
        return None

    def walk(self, packet: Packet, flow: Flow) -> Verdict | None:
        """Return the verdict of the rules, None when one of them raised."""
        try:
            return self._walk(packet, flow)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self._guard.record_at_packet(RULES, error)
            return None

    def decided(self, packet: Packet, flow: Flow, verdict: Verdict) -> None:
        """Tell the ``decided`` hooks the verdict."""
        for plugin, hook in self._decided:
            try:
                hook(packet, flow, verdict)
            except KeyboardInterrupt:
                raise
            except BaseException as error:
                self._guard.record_at_packet(plugin, error)

    def timed(self, timing: Timing) -> PacketHooks:
        """Return the same calls under a clock."""
        calls = timing.calls(self._packet), timing.calls(self._decided), timing.calls(self._segment)
        return PacketHooks(self._guard, *calls, timing.watch(CHAINS, self._walk))

    def segment(self, packet: Packet, flow: Flow) -> None:
        """Give the ``segment`` hooks the ordered bytes that an accepted packet completed."""
        for plugin, hook in self._segment:
            for offset, data, gap in packet.segments:
                self._guard.call(plugin, hook, flow, packet.to_server, offset, data, gap)
