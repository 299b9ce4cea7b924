"""Many captures, or one large one, over several processes: captures dealt by size, a large one split by host pair.

A job is one capture, or one share of it, in an engine of its own; it writes its events and rows to files in a folder
that the caller made, so the memory stays that of one engine. Nothing is shared between captures. Within one capture all
packets of two hosts come to one share, so flows, announced flows and reassembly are whole.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from zlib import crc32

from ..events.eve import to_line
from ..model.packet import TCP, UDP
from ..model.stats import sum_stats
from ..packet.decode import decode
from ..sources.capture_file import STDIN
from .flow_rows import FlowRows
from .replay import Hooks, replay

if TYPE_CHECKING:
    from ..config import Config
    from ..plugins.registry import Plugins

Event = dict[str, Any]

#: a capture below this size, in bytes, is not split: starting an engine would cost more
SPLIT_BYTES: Final = 4 << 20

_OWN_ADDRESSES: Final = frozenset({TCP, UDP})


@dataclass(slots=True, frozen=True)
class Job:
    """One capture, or share ``part`` of ``parts``. ``rows``: rows too; ``first_packets``: see :class:`FlowRows`."""

    capture: str
    index: int
    part: int = 0
    parts: int = 1
    rows: bool = False
    first_packets: int | None = None

    def path(self, folder: Path, kind: str) -> Path:
        """Return where the job's ``events`` or ``rows`` are written."""
        return folder / f"{self.index}.{self.part}.{kind}"


def deal(captures: Sequence[str], workers: int, *, split: bool, rows: bool, first_packets: int | None) -> list[Job]:
    """Return the jobs, the largest first. With ``split``, a capture that is more than a worker's share is split."""
    sizes = [_size(capture) for capture in captures]
    share = sum(sizes) / workers
    jobs: list[tuple[float, Job]] = []
    for index, (capture, size) in enumerate(zip(captures, sizes, strict=True)):
        parts = workers if split and size >= SPLIT_BYTES and size > share else 1
        for part in range(parts):
            jobs.append((size / parts, Job(capture, index, part, parts, rows, first_packets)))
    jobs.sort(key=lambda entry: (-entry[0], entry[1].index, entry[1].part))
    return [job for _, job in jobs]


def _size(capture: str) -> int:
    if capture == STDIN:
        return 0
    try:
        return Path(capture).stat().st_size
    except OSError:
        return 0


def run_job(job: Job, config: Config, plugins: Plugins, hooks: Hooks, folder: Path) -> str | None:
    """Replay one job and write its files. Return one line when the capture could not be read to its end."""
    from ..engine.engine import Engine

    with job.path(folder, "events").open("w", encoding="utf-8") as events:
        rows_file = job.path(folder, "rows").open("w", encoding="utf-8") if job.rows else None
        rows = None
        if rows_file is not None:
            rows = FlowRows(lambda row: print(json.dumps(row), file=rows_file), job.first_packets)

        def sink(event: Event) -> None:
            events.write(to_line(event) + "\n")
            if rows is not None:
                rows.event(event)

        engine = Engine(config, plugins, live=False, sink=sink, pcap_filename=job.capture)
        if rows is not None:
            rows.watch(engine)
        summary = replay(
            engine,
            job.capture,
            hooks,
            seen=None if rows is None else rows.seen,
            wanted=None if job.parts == 1 else _share(job.part, job.parts),
        )
        if rows_file is not None:
            rows_file.close()
    return summary.error


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


def lines_of(jobs: Iterable[Job], folder: Path) -> Iterator[str]:
    """Return the event lines of one capture's jobs in the order of their time stamps, one ``stats`` event last."""
    ordered = sorted(jobs, key=lambda job: job.part)
    if len(ordered) == 1:
        with ordered[0].path(folder, "events").open(encoding="utf-8") as file:
            yield from file
        return
    stats: list[Event] = []
    files = [job.path(folder, "events").open(encoding="utf-8") for job in ordered]
    try:
        streams = [_without_stats(file, stats) for file in files]
        yield from heapq.merge(*streams, key=_timestamp)
    finally:
        for file in files:
            file.close()
    if stats:
        yield to_line(sum_shares(stats)) + "\n"


def _without_stats(lines: Iterable[str], stats: list[Event]) -> Iterator[str]:
    for line in lines:
        if '"event_type":"stats"' in line:
            event = json.loads(line)
            if event["event_type"] == "stats":
                stats.append(event)
                continue
        yield line


def _timestamp(line: str) -> str:
    # a line begins with {"timestamp":"2026-01-31T12:00:00.000000+0000"
    return line[14:40]


def sum_shares(events: Sequence[Event]) -> Event:
    """Return one ``stats`` event for all shares of a capture. Each share read all frames, so those are not added up."""
    first, *others = events
    shares = [{**event["stats"], "frames": 0, "not_ip": {}} for event in others]
    return {**first, "stats": sum_stats([first["stats"], *shares])}
