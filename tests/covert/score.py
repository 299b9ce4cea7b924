"""Every shape through the real engine: ``python -m tests.covert.score [--count N] [--seed N] [NAME ...]``.

A covert flow is blocked when it gets a final DROP with at least half of its payload, or all beyond 8 KiB, still to
come. A benign flow passes when no packet of it is dropped. Payload is counted in both directions.
"""

from __future__ import annotations

import argparse
import fnmatch
import statistics
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, get_args

from pywall_core.api import ACCEPT
from pywall_core.testing import conversation
from pywall_core.testing.memory import InMemory, engine

from . import (  # noqa: F401 - they register their shapes
    benign_files,
    benign_records,
    fifth_framings,
    fourth_files,
    fourth_frames,
    fourth_framings,
    fourth_series,
    fourth_texts,
    fourth_ways,
    fourth_wires,
    framed_shapes,
    mimicry_shapes,
    second_encodings,
    second_files,
    second_framings,
    second_media,
    second_mixtures,
    second_records,
    second_sensors,
    third_frames,
    third_framings,
    third_holders,
    third_samples,
    third_spellings,
    third_tables,
    third_wires,
)
from .sessions import SHAPES, Session, Shape

SEGMENT = 1448
"""Bytes of payload of a full TCP segment with timestamps on a link of 1500."""
IN_TIME = 8192
SECOND = frozenset(
    [
        "envelopes",
        "tlv",
        "stuffing",
        "sums",
        "own headers",
        "buckets",
        "tiny",
        "texts",
        "datagrams",
        "commands",
        "beside",
        "holders",
        "wires",
        "columns",
        "blocks",
        "sensors",
        "scripts",
        "frames",
        "more files",
    ]
)
"""Families of the shapes that were written later, and without looking at what the classifier does with them."""
POLICY = (files("pywall_core") / "policies" / "block-unknown-encrypted.yaml").read_text()


@dataclass(slots=True)
class Outcome:
    """What became of one flow: payload ``through`` before the final DROP (None: never dropped), of ``size`` bytes."""

    size: int
    through: int | None
    label: str | None
    protocol: str | None
    confirmed: bool

    @property
    def blocked(self) -> bool:
        """The DROP came in time."""
        return self.through is not None and self.through <= max(self.size / 2, IN_TIME)


@dataclass(slots=True)
class Row:
    """The outcomes of one shape."""

    shape: Shape
    outcomes: list[Outcome] = field(default_factory=list)

    @property
    def good(self) -> int:
        """Covert flows blocked in time, or benign flows never dropped."""
        if self.shape.covert:
            return sum(outcome.blocked for outcome in self.outcomes)
        return sum(outcome.through is None for outcome in self.outcomes)

    def text(self) -> str:
        """Return one line of the table."""
        through = sorted(outcome.through for outcome in self.outcomes if outcome.through is not None)
        middle = f"{statistics.median(through):7.0f}" if through else "      -"
        said = Counter(f"{o.protocol}{'!' if o.confirmed else ''}/{o.label}" for o in self.outcomes).most_common(3)
        names = " ".join(f"{name}x{count}" for name, count in said)
        return f"{self.shape.family:11} {self.shape.name:30} {self.good:3}/{len(self.outcomes):<3} {middle}  {names}"


def packets_of(session: Session, number: int, server: str | None = None) -> Any:
    """Return the session as a conversation between addresses of its own."""
    client = ("192.0.2.1", 20_000 + number)
    peer = server or f"198.51.100.{number % 250 + 1}"
    talk = conversation(session.transport, client, (peer, 4433), handshake=not session.midstream)
    for to_server, data in session.turns:
        say = "client" if to_server else "server"
        if session.transport == "udp":
            talk = getattr(talk, say)(data)
            continue
        for at in range(0, len(data), SEGMENT):
            talk = getattr(talk, say)(data[at : at + SEGMENT])
        talk = talk.ack()
    return talk.close()


def judge(lab: InMemory, session: Session, number: int, server: str | None = None) -> Outcome:
    """Send one session through the engine and end it."""
    through, dropped = 0, None
    flow = None
    for packet in packets_of(session, number, server).packets(client_hook=3, server_hook=1):
        verdict = lab.engine.process(packet)
        flow = lab.engine.flows.find(packet.key) or flow
        if verdict.action is ACCEPT:
            through += packet.end - packet.start
        elif verdict.final:
            dropped = through
            break
    assert flow is not None
    lab.engine.flows.end(flow, "closed")
    label = flow.facts.get("payload.class")
    return Outcome(session.size, dropped, label, flow.app_proto, flow.confirmed)


def score(shapes: Iterable[Shape], count: int, seed: int) -> Iterator[Row]:
    """Yield a row for each shape, each flow from and to addresses that no other flow has."""
    for shape in shapes:
        lab = engine(POLICY)
        row = Row(shape)
        for number, session in enumerate(shape.sessions(count, seed)):
            row.outcomes.append(judge(lab, session, number))
        yield row


def all_shapes() -> list[Shape]:
    """Return every shape, covert and benign."""
    return list(SHAPES.values())


Part = Literal["all", "first", "second", "held", "third", "fourth", "fifth"]


def part_of(shape: Shape) -> Part:
    """Return which part of the shapes one belongs to: `held` is the half of the later ones that nobody looks at while
    the classifier is being worked on; the others came later still.
    """
    for lot in ("third", "fourth", "fifth"):
        if shape.family.startswith(lot):
            return lot
    if shape.family not in SECOND:
        return "first"
    return "held" if zlib.crc32(shape.name.encode()) & 1 else "second"


def chosen(patterns: list[str], part: Part = "all") -> list[Shape]:
    """Return the shapes of a part whose name or family one of the patterns matches; all if there are none."""
    wanted = patterns or ["*"]
    return [
        shape
        for shape in SHAPES.values()
        if part in ("all", part_of(shape))
        and any(fnmatch.fnmatch(shape.name, p) or fnmatch.fnmatch(shape.family, p) for p in wanted)
    ]


def summary(rows: list[Row], *, covert: bool) -> str:
    """Return the totals of one side: flows that came out right, and bytes before a block."""
    mine = [row for row in rows if row.shape.covert is covert]
    flows = sum(len(row.outcomes) for row in mine)
    good = sum(row.good for row in mine)
    side = "covert" if covert else "benign"
    text = f"{side}: {len(mine)} shapes, {good} of {flows} flows right ({good / max(flows, 1):.1%})"
    through = sorted(o.through for row in mine for o in row.outcomes if o.through is not None)
    if covert and len(through) > 1:
        cuts = statistics.quantiles(through, n=20)
        text += f"; bytes through before the block: median {statistics.median(through):.0f}, 95 % {cuts[-1]:.0f}"
    return text


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("shapes", nargs="*", help="names or families, * allowed")
    parser.add_argument("--count", type=int, default=10, help="flows of each shape")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--part", choices=get_args(Part), default="all")
    parser.add_argument("--missed", action="store_true", help="only shapes with a flow that came out wrong")
    options = parser.parse_args()
    rows = []
    for row in score(chosen(options.shapes, options.part), options.count, options.seed):
        rows.append(row)
        if not options.missed or row.good < len(row.outcomes):
            print(row.text(), flush=True)
    print(summary(rows, covert=True))
    print(summary(rows, covert=False))


if __name__ == "__main__":
    main()
