"""HeldPackets: packets whose verdict waits some milliseconds for what a helper process says of their flow."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..model.packet import Packet
from ..model.verdict import Verdict

log: Final = logging.getLogger("pywall.nfqueue")
#: packets that may wait at a time; the kernel holds them
MOST: Final = 1024
#: seconds after which a packet gets the verdict that there is, should nobody say anything
LONGEST: Final = 10.0
#: seconds between two looks while other packets come
PAUSE: Final = 0.0005


#: the binding's packet, whose module only the source imports
QueuedPacket = Any


class Answers(Protocol):
    """What helper processes say, as far as held packets need it."""

    #: whether ``holds`` may ever say yes
    may_hold: bool

    def holds(self, packet: Packet, verdict: Verdict) -> bool:
        """Return whether an accepted packet waits for what a helper process is about to say of its flow."""

    def read(self) -> None:
        """Read what helper processes have answered."""

    def descriptors(self) -> tuple[int, ...]:
        """Return what can be read when helper processes have answered."""


class Decider(Protocol):
    """The engine, as far as held packets need it."""

    @property
    def helpers(self) -> Answers:
        """The ways to the helper processes."""

    def decide_again(self, packet: Packet, before: Verdict) -> Verdict:
        """Return the verdict on a packet that has had one, by what is known now."""


@dataclass(slots=True)
class _Held:
    queued: QueuedPacket
    number: int
    mark: int
    packet: Packet
    verdict: Verdict
    until: float


class HeldPackets:
    """Packets in the order in which they came; ``apply(queued, number, mark, packet, verdict, now)`` gives a verdict.

    ``denied`` is the verdict on packets for which there is no room.
    """

    def __init__(
        self, engine: Decider, apply: Callable[[QueuedPacket, int, int, Packet, Verdict, float], None], denied: Verdict
    ) -> None:
        self._engine = engine
        self._helpers = engine.helpers
        self._apply = apply
        self._denied = denied
        self._held: list[_Held] = []
        #: when to look again, on the clock of the packets
        self.due = 0.0

    def __bool__(self) -> bool:
        return bool(self._held)

    def take(
        self, queued: QueuedPacket, number: int, mark: int, packet: Packet, verdict: Verdict, now: float
    ) -> Verdict | None:
        """Hold a packet: None. Else return the verdict that it gets at once."""
        if not self._helpers.holds(packet, verdict):
            return verdict
        if len(self._held) >= MOST:
            return self._denied
        queued.retain()
        self._held.append(_Held(queued, number, mark, packet, verdict, now + LONGEST))
        return None

    def release(self, now: float) -> None:
        """Give packets their verdict that need not wait any more."""
        self.due = now + PAUSE
        self._helpers.read()
        held, self._held = self._held, []
        for one in held:
            if now < one.until and self._helpers.holds(one.packet, one.verdict):
                self._held.append(one)
                continue
            try:
                verdict = self._engine.decide_again(one.packet, one.verdict)
            except Exception:
                log.exception("internal error while deciding on a held packet")
                verdict = one.verdict
            self._apply(one.queued, one.number, one.mark, one.packet, verdict, now)
