"""The shares of a split sequence of captures, put together to what one process would have found.

What knows more than two hosts prevents a split, or ends it. Rules that do are known before
(:func:`why_not_split`). What traffic makes of the engine's own bounds is known when the shares are done
(:func:`why_split_failed`): then the sequence is replayed again in one piece.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TextIO

from ..config import leaves
from ..events.fields import to_line
from ..flows.expectations import GROUP_ANSWER
from ..flows.table import ADAPTIVE_START, NEW_SHARE
from ..model.stats import sum_stats
from .jobs import BLOCK_HEAD, Job, Outcome

if TYPE_CHECKING:
    from ..config import BoundRule

Event = dict[str, Any]


def why_not_split(chains: Mapping[str, Sequence[BoundRule]]) -> str:
    """Return what in the rules knows more than two hosts, empty where nothing does."""
    rules = [rule for chain in chains.values() for rule in chain]
    kinds = [kind for rule in rules for kind in leaves(rule.condition)]
    found = {f"rules of kind {kind.kind}" for kind in kinds if kind.state == "host"}
    found |= {f"rules of kind {kind.kind} with {GROUP_ANSWER}" for kind in kinds if GROUP_ANSWER in kind.expects()}
    if any(rule.add is not None for rule in rules):
        found.add("rules with add:")
    return ", ".join(sorted(found))


def why_split_failed(outcomes: Sequence[Outcome], flows: int) -> str:
    """Return why the shares may differ from the whole, empty where they do not. ``flows``: bound of the flow table."""
    depends = next((outcome.depends for outcome in outcomes if outcome.depends), "")
    if depends:
        return depends
    if sum(outcome.most_flows for outcome in outcomes) > flows * ADAPTIVE_START:
        return "the flow table was more than half full"
    if sum(outcome.most_young for outcome in outcomes) >= max(flows * NEW_SHARE, 16):
        return "many flows were half-open at once"
    return ""


def event_lines(jobs: Sequence[Job], folder: Path) -> Iterator[str]:
    """Yield the event lines of one sequence's shares in the order of one process, one ``stats`` event last."""
    stats: list[Event] = []
    with ExitStack() as stack:
        streams = [_placed(stack.enter_context(_text(job, folder, "events"))) for job in jobs]
        for _, line in heapq.merge(*streams, key=_place):
            if len(jobs) > 1 and '"event_type":"stats"' in line:
                event = json.loads(line)
                if event["event_type"] == "stats":
                    stats.append(event)
                    continue
            yield line
    if stats:
        yield to_line(sum_shares(stats)) + "\n"


def rows(jobs: Sequence[Job], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of one sequence's shares in the order of one process."""
    with ExitStack() as stack:
        streams = [_placed(stack.enter_context(_text(job, folder, "rows"))) for job in jobs]
        for _, line in heapq.merge(*streams, key=_place):
            yield json.loads(line)


def dropped_blocks(jobs: Sequence[Job], folder: Path) -> Iterator[bytes]:
    """Yield the dropped packets of one sequence's shares in the order of the captures."""
    with ExitStack() as stack:
        streams = [_blocks(stack.enter_context(job.path(folder, "dropped").open("rb"))) for job in jobs]
        for _, block in heapq.merge(*streams, key=_frame):
            yield block


def _text(job: Job, folder: Path, kind: str) -> TextIO:
    return job.path(folder, kind).open(encoding="utf-8")


def _placed(lines: TextIO) -> Iterator[tuple[str, str]]:
    for line in lines:
        place, _, rest = line.partition("\t")
        yield place, rest


def _place(entry: tuple[str, str]) -> str:
    return entry[0]


def _frame(entry: tuple[int, bytes]) -> int:
    return entry[0]


def _blocks(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    while head := file.read(BLOCK_HEAD.size):
        frame, length = BLOCK_HEAD.unpack(head)
        yield frame, file.read(length)


def sum_shares(events: Sequence[Event]) -> Event:
    """Return one ``stats`` event for all shares of a sequence. Each share read all frames and holds all of each named
    set, so those are not added up.
    """
    first, *others = events
    whole = {"frames", "not_ip", "sets"}
    shares = [{name: part for name, part in event["stats"].items() if name not in whole} for event in others]
    return {**first, "stats": sum_stats([first["stats"], *shares])}
