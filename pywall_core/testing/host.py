"""A host without packets: what a rule kind or a flow asks of the engine, for tests of a plugin's parts."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

from ..config import Config
from ..config.sets import build_sets
from ..flows.table import FlowTable
from ..model.flow import Flow
from ..model.helper import Helper
from ..model.host import Host
from ..model.packet import Packet
from ..model.verdict import NO, PENDING, YES, Answer


class NoPlugins:
    """Implements no hook."""

    def calls(self, hook: str) -> tuple[tuple[str, Callable[..., Any]], ...]:
        """Return no implementations."""
        return ()


class FakeHost:
    """A :class:`~pywall_core.api.Host` with the default configuration and an empty flow table.

    ``possible`` are the names that a flow without one may get. ``events`` collects what is emitted, ``counters`` what
    is counted, ``expected`` the arguments of ``flow.expect``.
    """

    def __init__(self, config: Config | None = None, *, live: bool = False) -> None:
        self.log = logging.getLogger("pywall.testing")
        self.now = 0.0
        self.worker = 0
        self.live = live
        self.misses_bare_acks = False
        self.config = config or Config(version=1)
        self.flows = FlowTable(16, lambda flow, reason: None)
        self.plugins = NoPlugins()
        self.sets = build_sets(self.config)
        self.possible = frozenset({"tls", "ssh", "http", "dns", "unknown", "none"})
        self.counters: Counter[str] = Counter()
        self.events: list[dict[str, Any]] = []
        self.expected: list[tuple[Any, ...]] = []
        self.helpers: dict[str, Helper] = {}
        self.shared: dict[str, Callable[[list[Any]], None]] = {}
        self.kept: dict[str, tuple[Callable[[], Any], Callable[[Any], None]]] = {}

    def fact_state(self, flow: Flow, name: str) -> Answer:
        """YES when the flow has the fact, PENDING while detection goes on, else NO."""
        known = flow.app_proto is not None if name == "app_proto" else name in flow.facts
        if known:
            return YES
        return NO if flow.detect_done else PENDING

    def possible_names(self, flow: Flow) -> frozenset[str]:
        """Return ``possible`` while the flow has no name, else its name."""
        return self.possible if flow.app_proto is None else frozenset((flow.app_proto,))

    def may_be_confirmed(self, flow: Flow) -> bool:
        """Return whether detection goes on."""
        return not flow.confirmed and not flow.detect_done

    def share(self, name: str, received: Callable[[list[Any]], None]) -> Callable[[list[Any]], None] | None:
        """Note who is told in ``shared``; there are no other workers."""
        self.shared[name] = received
        return None

    def helper(self, name: str, answered: Callable[[dict[str, Any]], None]) -> Helper:
        """Return a way to a helper process that is not there; ``connect`` it with one end of a socket pair."""
        helper = self.helpers[name] = Helper(answered)
        return helper

    def count(self, name: str, n: int = 1) -> None:
        """Add to ``counters``."""
        self.counters[name] += n

    def keep(self, name: str, save: Callable[[], Any], load: Callable[[Any], None]) -> None:
        """Note the state that would survive a reload in ``kept``."""
        self.kept[name] = save, load

    def emit(self, event_type: str, flow: Flow | None = None, packet: Packet | None = None, **fields: Any) -> None:
        """Append to ``events``."""
        self.events.append({"event_type": event_type, **fields})

    def stats(self) -> dict[str, Any]:
        """Return the counters."""
        return {"counters": dict(self.counters)}

    def expect(self, flow: Flow, *announcement: Any) -> None:
        """Append the announcement of a related flow to ``expected``."""
        self.expected.append(announcement)


_is_a_host: type[Host] = FakeHost
