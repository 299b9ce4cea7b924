"""Host: what plugins and rule kinds may use of the engine that runs them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from .flow import Flow
from .helper import Helper
from .named_set import NamedSet
from .packet import Packet
from .verdict import Answer


class QueueSettings(Protocol):
    """Of the section ``queue:``."""

    @property
    def gso(self) -> bool:
        """The kernel hands over packets before segmentation, with checksums that it has not computed yet."""


class FailureSettings(Protocol):
    """Of the section ``failure:``; the values are those of the YAML."""

    @property
    def midstream(self) -> str:
        """``track``, ``pass-flow`` or ``drop-flow``."""

    @property
    def stream(self) -> str:
        """``drop-packet`` or ``pass-flow``."""

    @property
    def queue_full(self) -> str:
        """``accept`` or ``drop``."""

    @property
    def no_listener(self) -> str:
        """``accept`` or ``drop``."""


class Settings(Protocol):
    """What plugins may read of the configuration; their own options come to their constructors."""

    @property
    def mode(self) -> str:
        """``enforce`` or ``observe``."""

    @property
    def queue(self) -> QueueSettings:
        """The section ``queue:``."""

    @property
    def failure(self) -> FailureSettings:
        """The section ``failure:``."""


class Flows(Protocol):
    """The flow table."""

    @property
    def find(self) -> Callable[[bytes], Flow | None]:
        """Return the flow of a packet's key, of either direction, or None."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Flow]: ...


class PluginCalls(Protocol):
    """The loaded plugins."""

    def calls(self, hook: str) -> tuple[tuple[str, Callable[..., Any]], ...]:
        """Return the implementations of a hook (its name without prefix) as (plugin name, callable), in call order."""


class Host(Protocol):
    """The engine as plugins and rule kinds see it. The test kit has one without packets."""

    log: logging.Logger
    #: the engine's clock, seconds: monotonic when live, the capture's in a replay
    now: float
    #: number of the worker process, from 0
    worker: int

    @property
    def live(self) -> bool:
        """Packets come from the kernel, not from a capture."""

    @property
    def misses_bare_acks(self) -> bool:
        """TCP segments without content may pass unseen among the first packets of a connection."""

    @property
    def config(self) -> Settings:
        """The configuration."""

    @property
    def flows(self) -> Flows:
        """The flow table."""

    @property
    def plugins(self) -> PluginCalls:
        """The loaded plugins."""

    @property
    def sets(self) -> Mapping[str, NamedSet]:
        """The named sets of the configuration; their entries change while the firewall runs."""

    @property
    def fact_state(self) -> Callable[[Flow, str], Answer]:
        """The function (flow, fact name) -> YES: settled (present or absent for good); NO: may still change; PENDING:
        not known yet.
        """

    @property
    def possible_names(self) -> Callable[[Flow], frozenset[str]]:
        """The function (flow) -> the names that ``flow.app_proto`` may get while it is None, else that name alone.

        A kind that answers by it declares the names that it asks for in :meth:`RuleKind.protocols`; it is then asked
        again when one of them can no longer come.
        """

    @property
    def may_be_confirmed(self) -> Callable[[Flow], bool]:
        """The function (flow) -> whether its name is not confirmed and may be yet."""

    def count(self, name: str, n: int = 1) -> None:
        """Add to a counter of the ``stats`` event."""

    def emit(self, event_type: str, flow: Flow | None = None, packet: Packet | None = None, **fields: Any) -> None:
        """Write an EVE event; ``fields`` become top-level keys."""

    def keep(self, name: str, save: Callable[[], Any], load: Callable[[Any], None]) -> None:
        """Have state survive a reload, a replaced worker and a restart within a minute. Call it at ``startup`` or in
        ``compile``.

        ``save()`` returns it as JSON (lists, dictionaries with text as keys, numbers, text), at most 1 MiB;
        ``load(state)`` gets what another process has saved under the same ``name``, which says what it belongs to
        (plugin, rule and its parameters). Times in it are of the monotonic clock. Do not trust it.
        """

    def share(self, name: str, received: Callable[[list[Any]], None]) -> Callable[[list[Any]], None] | None:
        """Return the function that tells an entry to the other workers, None where there are none. Call it at
        ``startup``.

        An entry is a list of JSON values, at most 1000 bytes. The others get it a moment later, and ``received`` is
        called there, between packets; do not trust it. An entry may be lost when a worker is very busy.
        """

    def helper(self, name: str, answered: Callable[[dict[str, Any]], None]) -> Helper:
        """Return the way to the helper process of plugin ``name``: the entry point of that name in ``pywall.helpers``.

        The process sees what belongs to other users, and a worker must not: CAP_SYS_PTRACE and CAP_DAC_READ_SEARCH. It
        is connected before the first packet, and again when it was replaced; in a replay never. ``answered`` is called
        for each answer, between packets. A packet that only waits for such an answer is held until it comes: the
        plugin's ``fact_state`` must stop saying PENDING some time, whatever the process does.
        """

    def stats(self) -> dict[str, Any]:
        """Return the cumulative counters, nested; ``docs/reference/events.md`` describes each."""
