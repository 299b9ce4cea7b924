"""Flows that other flows announced (ftp-data, rtp): the only state shared between flows, bounded here."""

from __future__ import annotations

from typing import Final

from ..model.flow import Flow

MAX_EXPECTATIONS: Final = 4096
MAX_PER_FLOW: Final = 256
LIFETIME: Final = 60.0

_Key = tuple[int, bytes, int]


class Expectations:
    """Announced flows by protocol, destination and port. Truthy while any are held."""

    def __init__(self) -> None:
        self._held: dict[_Key, tuple[str, bytes | None, float]] = {}
        self.refused = 0

    def __bool__(self) -> bool:
        return bool(self._held)

    def __len__(self) -> int:
        return len(self._held)

    def add(
        self, parent: Flow, app_proto: str, proto: int, dst: bytes, dport: int, src: bytes | None, now: float
    ) -> None:
        """Announce a flow to ``dst``:``dport`` for LIFETIME seconds; ``dst`` must be an address of ``parent``."""
        if dst not in (parent.src, parent.dst) or not 0 < dport < 65536:
            self.refused += 1
            return
        ext = parent.ext = parent.ext or {}
        ext["expected"] = made = ext.get("expected", 0) + 1
        if made > MAX_PER_FLOW:
            self.refused += 1
            return
        if len(self._held) >= MAX_EXPECTATIONS:
            del self._held[next(iter(self._held))]
        self._held[proto, dst, dport] = (app_proto, src, now + LIFETIME)

    def take(self, flow: Flow, now: float) -> str | None:
        """The label announced for this new flow, if any; it is used up."""
        for key in ((flow.proto, flow.dst, flow.dport), (flow.proto, flow.src, flow.sport)):
            held = self._held.get(key)
            if held is not None and held[2] >= now and held[1] in (None, flow.src, flow.dst):
                del self._held[key]
                return held[0]
        return None

    def sweep(self, now: float) -> None:
        """Forget what is over."""
        if self._held:
            for key in [key for key, held in self._held.items() if held[2] < now]:
                del self._held[key]
