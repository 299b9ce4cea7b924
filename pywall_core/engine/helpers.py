"""Helpers: the plugins' ways to their helper processes, and which packets wait for what these say."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, final

from ..calls.guard import Guard
from ..model.flow import Flow
from ..model.helper import Helper
from ..model.packet import Packet
from ..model.verdict import ACCEPT, PENDING, Answer, Cause, Verdict


@final
class Helpers:
    """``find(key)`` is the flow table's, ``fact_state(flow, name)`` the detection's."""

    def __init__(
        self, guard: Guard, flow_of: Callable[[Packet], Flow | None], fact_state: Callable[[Flow, str], Answer]
    ) -> None:
        self._guard = guard
        self._flow_of = flow_of
        self._fact_state = fact_state
        self._helpers: dict[str, Helper] = {}
        #: facts that neither packets nor time bring, but a helper process: those that plugins wait for whatever the
        #: rules ask, and with those that rules ask
        self._awaited: tuple[str, ...] = ()
        self._told: tuple[str, ...] = ()
        #: whether :meth:`holds` may ever say yes
        self.may_hold = False

    def wait_for(self, awaited: Iterable[str], asked: Iterable[str]) -> None:
        """Hold packets for the facts ``awaited``, and those without a verdict for the facts ``asked`` too."""
        self._awaited = tuple(awaited)
        self._told = tuple(sorted({*asked, *self._awaited}))
        self.may_hold = bool(self._told)

    def add(self, name: str, answered: Callable[[dict[str, Any]], None]) -> Helper:
        """See :meth:`pywall_core.model.host.Host.helper`."""
        helper = self._helpers[name] = Helper(answered)
        return helper

    def get(self, name: str) -> Helper | None:
        """Return the way to a plugin's helper process, None where the plugin asks nothing."""
        return self._helpers.get(name)

    def descriptors(self) -> tuple[int, ...]:
        """Return what can be read when helper processes have answered."""
        return tuple(helper.descriptor for helper in self._helpers.values() if helper.descriptor >= 0)

    def read(self) -> None:
        """Read what helper processes have answered."""
        for name, helper in self._helpers.items():
            self._guard.call(name, helper.read)

    def holds(self, packet: Packet, verdict: Verdict) -> bool:
        """Return whether an accepted packet waits for what a helper process is about to say of its flow."""
        if not self.may_hold or verdict.action is not ACCEPT:
            return False
        flow = self._flow_of(packet)
        names = self._told if verdict.cause is Cause.PENDING else self._awaited
        return flow is not None and any(self._fact_state(flow, name) is PENDING for name in names)
