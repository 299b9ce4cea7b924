"""What a replay prints: flows as a table, events as JSON lines."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from ..event_lines import NOT_SHOWN, event_line, flow_text, why
from ..sources.capture_file import STDIN
from .common import event_name, print_table, printable

if TYPE_CHECKING:
    from ..offline.dropped import DroppedPackets
    from ..offline.sequence import Takers
    from ..offline.tables import FlowTableFile

Event = dict[str, Any]


def write_line(event: Event) -> None:
    """One event on standard output."""
    from ..events.fields import to_line

    sys.stdout.write(to_line(event) + "\n")


class Table:
    """Flows as a table of each capture, and what all come to.

    The columns of a capture are as wide as its first :data:`WIDTH_FLOWS` flows need; the table of a larger one is
    printed as it goes on, so that a capture of any size takes little memory.
    """

    HEADERS: Final = ("flow", "proto", "app", "packets", "bytes", "verdict", "why")
    WIDTH_FLOWS: Final = 5000

    def __init__(self, captures: int = 1) -> None:
        self._named = captures > 1
        self._capture: str | None = None
        self._rows: list[tuple[object, ...]] = []
        self._widths: list[int] | None = None
        self.flows = 0
        self._frames = 0
        self._verdicts: Counter[str] = Counter()
        self._not_ip: Counter[str] = Counter()

    def add(self, event: Event) -> None:
        if event["event_type"] == "flow":
            self._add_flow(event)
        elif event["event_type"] == "stats":
            stats = event["stats"]
            self._frames += stats["frames"]
            self._verdicts.update(stats["verdicts"])
            self._not_ip.update(stats.get("not_ip", {}))

    def _add_flow(self, event: Event) -> None:
        if event["pcap_filename"] != self._capture:
            self._end_capture()
            self._capture = event["pcap_filename"]
            if self._named:
                print(f"{printable(self._capture)}:")
        self.flows += 1
        verdict = event["verdict"]["action"]
        self._rows.append((flow_text(event), event["proto"], event_name(event), *volume(event), verdict, why(event)))
        if len(self._rows) == self.WIDTH_FLOWS:
            self._print_rows()

    def _print_rows(self) -> None:
        self._widths = print_table(self.HEADERS, self._rows, self._widths)
        self._rows.clear()

    def _end_capture(self) -> None:
        if self._rows:
            self._print_rows()
        if self._capture is not None:
            print()
        self._widths = None

    def print(self) -> None:
        self._end_capture()
        verdicts = ", ".join(f"{n} {action}" for action, n in sorted(self._verdicts.items())) or "none"
        print(f"{self._frames} packets, {self.flows} flows; verdicts: {verdicts}", end="")
        if self._not_ip:
            print("; without IP: " + ", ".join(f"{n} {reason}" for reason, n in self._not_ip.most_common(8)), end="")
        print()


def volume(event: Event) -> tuple[int, int]:
    """Return packets and bytes of both directions."""
    flow = event["flow"]
    return flow["pkts_toserver"] + flow["pkts_toclient"], flow["bytes_toserver"] + flow["bytes_toclient"]


@dataclass(slots=True)
class Output:
    """Where everything goes: events as JSON lines or into a table, rows and dropped packets into files."""

    as_json: bool
    table: Table
    table_file: FlowTableFile | None = None
    dropped: DroppedPackets | None = None

    def event(self, event: Event) -> None:
        """Take one event of a capture."""
        if self.as_json:
            write_line(event)
        else:
            self.table.add(event)

    def line(self, line: str) -> None:
        """Take one event as a line of JSON."""
        if self.as_json:
            sys.stdout.write(line)
        else:
            self.table.add(json.loads(line))

    def event_of_stream(self, event: Event) -> None:
        """Take one event of standard input, and show it at once."""
        if self.as_json:
            write_line(event)
        else:
            if event["event_type"] not in NOT_SHOWN:
                print(printable(event_line(event)))
            if event["event_type"] == "stats":
                self.table.add(event)
            elif event["event_type"] == "flow":
                self.table.flows += 1
        sys.stdout.flush()

    def discard_empty(self) -> None:
        """Leave no files into which nothing was written, as no capture could be read."""
        if self.table_file is not None and not self.table_file.rows:
            self.table_file.discard()
        if self.dropped is not None and not self.dropped.packets:
            self.dropped.discard()

    def takers(self, captures: Sequence[str]) -> Takers:
        """Return who takes what one sequence gives."""
        from ..offline.sequence import Takers

        return Takers(
            self.event_of_stream if STDIN in captures else self.event,
            None if self.table_file is None else self.table_file.add,
            None if self.dropped is None else self.dropped.add,
        )
