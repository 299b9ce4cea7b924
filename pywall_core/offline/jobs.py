"""Many captures, or one large one, over several processes: sequences dealt by size, a large one split by host pair.

A job is one sequence of captures (one capture, or with ``--continue`` all), or one share of it, in an engine of its
own. It writes what it found to files in a folder that the caller made, so the memory stays that of one engine. Nothing
is shared between sequences. Within one all packets of two hosts come to one share, so flows, announced flows and
reassembly are whole. Each line of a file begins with its place in the whole, so that the shares' files are merged into
what one process would have found, in its order.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from struct import Struct
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from ..events.fields import to_line
from ..flows.expectations import MAX_EXPECTATIONS
from ..model.packet import TCP, UDP
from ..packet.decode import decode
from ..sources.capture_file import STDIN
from .replay import Hooks
from .sequence import Asked, CaptureRun, Takers

if TYPE_CHECKING:
    from ..config import Config
    from ..engine.engine import Engine
    from ..model.packet import Packet
    from ..model.verdict import Verdict
    from ..plugins.registry import Plugins

Event = dict[str, Any]

#: a capture below this size, in bytes, is not split: starting an engine would cost more
SPLIT_BYTES: Final = 4 << 20

_OWN_ADDRESSES: Final = frozenset({TCP, UDP})


#: before each block of dropped packets: number of the frame, length of the block
BLOCK_HEAD: Final = Struct("<QI")


@dataclass(slots=True, frozen=True)
class Job:
    """One sequence of captures, or share ``part`` of ``parts``."""

    captures: tuple[str, ...]
    index: int
    part: int = 0
    parts: int = 1

    def path(self, folder: Path, kind: str) -> Path:
        """Return where the job's ``events``, ``rows`` or ``dropped`` packets are written."""
        return folder / f"{self.index}.{self.part}.{kind}"


@dataclass(slots=True)
class Outcome:
    """What became of a job: captures that could not be read to their end, a line each, and what tells whether a share
    may differ from the whole (:mod:`pywall_core.offline.shares`).
    """

    errors: list[str]
    most_flows: int = 0
    most_young: int = 0
    depends: str = ""


def deal(sequences: Sequence[Sequence[str]], workers: int, *, split: bool) -> list[Job]:
    """Return the jobs, the largest first. With ``split``, a sequence that is more than a worker's share is split."""
    sizes = [sum(_size(capture) for capture in sequence) for sequence in sequences]
    share = sum(sizes) / workers
    jobs: list[tuple[float, Job]] = []
    for index, (sequence, size) in enumerate(zip(sequences, sizes, strict=True)):
        parts = workers if split and size >= SPLIT_BYTES and size > share else 1
        jobs += [(size / parts, Job(tuple(sequence), index, part, parts)) for part in range(parts)]
    jobs.sort(key=lambda entry: (-entry[0], entry[1].index, entry[1].part))
    return [job for _, job in jobs]


def _size(capture: str) -> int:
    if capture == STDIN:
        return 0
    try:
        return Path(capture).stat().st_size
    except OSError:
        return 0


def run_job(job: Job, config: Config, plugins: Plugins, hooks: Hooks, asked: Asked, folder: Path) -> Outcome:
    """Replay one job and write its files."""
    with ExitStack() as stack:
        files = _JobFiles(job, asked, folder, stack)
        wanted = None if job.parts == 1 else _share(job.part, job.parts)
        run = CaptureRun((config, plugins), job.captures, asked, files.takers, wanted=wanted)
        engine = files.engine = run.engine
        summary = run.run(hooks)
    return Outcome(summary.errors, engine.flows.most, engine.flows.most_young, _depends_on_others(engine))


def _depends_on_others(engine: Engine) -> str:
    """Return what in an engine rested on packets of other hosts than a flow's two, empty where nothing did."""
    counted = sorted(name for name, n in engine.counters.items() if name.startswith("across_hosts.") and n)
    if counted:
        return ", ".join(counted)
    if engine.failures.by_plugin:
        return "a plugin failed"
    if len(engine.expectations) >= MAX_EXPECTATIONS // 2:
        return "many flows were announced"
    return ""


class _JobFiles:
    """The files of one job. What it writes comes with its place in the whole: second of the engine's clock, frame,
    and for what the clock ended, flow; one process goes through them in this order.
    """

    engine: Engine

    def __init__(self, job: Job, asked: Asked, folder: Path, stack: ExitStack) -> None:
        self._events = stack.enter_context(job.path(folder, "events").open("w", encoding="utf-8"))
        self.takers = Takers(self._event)
        if asked.rows:
            self._rows = stack.enter_context(job.path(folder, "rows").open("w", encoding="utf-8"))
            self.takers.row = self._row
        if asked.dropped:
            self._dropped = stack.enter_context(job.path(folder, "dropped").open("wb"))
            self.takers.dropped = self._packet

    def _event(self, event: Event) -> None:
        self._events.write(f"{self._place(event.get('flow_id', 0))}\t{to_line(event)}\n")

    def _row(self, row: dict[str, Any]) -> None:
        self._rows.write(f"{self._place(row['flow_id'])}\t{json.dumps(row, separators=(',', ':'))}\n")

    def _packet(self, packet: Packet, verdict: Verdict) -> None:
        from .dropped import block_of

        block = block_of(packet, verdict)
        self._dropped.write(BLOCK_HEAD.pack(self.engine.frame, len(block)) + block)

    def _place(self, flow_id: int) -> str:
        """Return the place, as text that sorts like it. A frame's packet comes after what the clock did before it."""
        engine = self.engine
        if engine.ticking or engine.closing:
            return f"{engine.frame:012x}0{flow_id:014x}"
        return f"{engine.frame:012x}1"


def _share(part: int, parts: int) -> Callable[[bytes], bool]:
    """Return whether an IP packet's host pair belongs to this share; the same for both directions and ICMP errors."""
    cache: dict[bytes, bool] = {}

    def wanted(data: bytes) -> bool:
        pair = _host_pair(data)
        found = cache.get(pair)
        if found is None:
            half = len(pair) // 2
            one, other = pair[:half], pair[half:]
            found = crc32(min(one, other) + max(one, other)) % parts == part
            if len(cache) >= 65536:
                cache.clear()
            cache[pair] = found
        return found

    return wanted


def _host_pair(data: bytes) -> bytes:
    """Return the two addresses of the packet's flow, one after the other.

    Every share looks at every packet, so the usual ones are not decoded for it: their addresses are those of the IP
    header. Others are decoded, as an ICMP error belongs to the flow that it quotes.
    """
    if len(data) >= 40:
        if data[0] >> 4 == 4 and data[9] in _OWN_ADDRESSES:
            return data[12:20]
        if data[0] >> 4 == 6 and data[6] in _OWN_ADDRESSES:
            return data[8:40]
    return decode(data).key[1:-4]
