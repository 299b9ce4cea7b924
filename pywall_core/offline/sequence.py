"""One sequence of captures through one engine, and what may be asked of it: events, rows, packets that do not pass, of
all flows or of some. The same in this process, in another one and on a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ..engine.engine import Engine
from ..flows.filter import parse
from ..model.verdict import ACCEPT
from .flow_choice import FlowChoice
from .flow_rows import FlowRows, Row
from .replay import Hooks, Summary, replay_sequence

if TYPE_CHECKING:
    from ..config import Config
    from ..model.packet import Packet
    from ..model.verdict import Verdict
    from ..plugins.registry import Plugins

Event = dict[str, Any]


@dataclass(slots=True, frozen=True)
class Asked:
    """What is asked of each sequence: flows that the expression ``filter`` chooses (empty: all), or the one that began
    as the ``flow``-th (0: all); the first ``limit`` frames of each capture (0: all); rows of flows, with statistics and
    ``first_packets`` (None: without); packets that do not pass.
    """

    filter: str = ""
    flow: int = 0
    limit: int = 0
    rows: bool = False
    first_packets: int | None = None
    dropped: bool = False


@dataclass(slots=True)
class Takers:
    """Who takes what is asked for. ``dropped(packet, verdict)`` gets the packets that do not pass."""

    event: Callable[[Event], None]
    row: Callable[[Row], None] | None = None
    dropped: Callable[[Packet, Verdict], None] | None = None


class CaptureRun:
    """One sequence of captures in an engine of its own. ``takers`` get what ``asked`` asks for, as it comes.

    ``wanted(data)`` chooses the IP packets that the engine gets, ``progress(n)`` is told of n more frames.
    """

    def __init__(
        self,
        loaded: tuple[Config, Plugins],
        captures: Sequence[str],
        asked: Asked,
        takers: Takers,
        *,
        wanted: Callable[[bytes], bool] | None = None,
        progress: Callable[[int], None] | None = None,
    ) -> None:
        self._captures = captures
        self._limit = asked.limit
        self._takers = takers
        self._wanted = wanted
        self._progress = progress
        self._rows = None if takers.row is None else FlowRows(takers.row, asked.first_packets)
        self._choice = None
        chooses = bool(asked.filter or asked.flow)
        sink = self._event if chooses or self._rows is not None else takers.event
        self.engine = Engine(*loaded, live=False, sink=sink, pcap_filename=captures[0])
        if chooses:
            chosen = parse(asked.filter, self.engine.sets) if asked.filter else None
            self._choice = FlowChoice(takers.event, chosen, asked.flow)
        for watcher in (self._choice, self._rows):
            if watcher is not None:
                watcher.watch(self.engine)

    def run(self, hooks: Hooks) -> Summary:
        """Replay all; see :func:`replay_sequence`."""
        looks = self._choice is not None or self._rows is not None or self._takers.dropped is not None
        return replay_sequence(
            self.engine,
            self._captures,
            hooks,
            seen=self._seen if looks else None,
            progress=self._progress,
            wanted=self._wanted,
            limit=self._limit,
        )

    def _event(self, event: Event) -> None:
        chosen = True
        if self._choice is None:
            self._takers.event(event)
        else:
            chosen = self._choice.event(event)
        if self._rows is not None:
            self._rows.event(event, wanted=chosen)

    def _seen(self, packet: Packet, verdict: Verdict) -> None:
        if self._rows is not None:
            self._rows.seen(packet, verdict)
        choice, take = self._choice, self._takers.dropped
        if choice is not None:
            choice.seen(packet, verdict)
        if take is None or verdict.action is ACCEPT:
            return
        if choice is None or choice.takes_packet(packet):
            take(packet, verdict)
