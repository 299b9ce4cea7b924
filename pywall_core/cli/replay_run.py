"""How ``pywall replay`` runs: one engine after the other here, or jobs in other processes or on a cluster."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

from ..engine.engine import Engine
from ..event_lines import NOT_SHOWN, event_line
from ..flows.filter import FilterError, parse
from ..offline.flow_choice import FlowChoice
from ..offline.flow_rows import FlowRows
from ..offline.replay import quiet_collector, replay
from ..offline.tables import FlowTableFile, TableError
from ..sources.capture_file import STDIN
from .capture_args import make_hooks
from .common import FAILURE, OK, USAGE, complain, printable
from .replay_output import Bar, Event, Table, progress_bar, write_line

if TYPE_CHECKING:
    from ..config import Config
    from ..flows.filter import Predicate
    from ..model.packet import Packet
    from ..model.verdict import Verdict
    from ..offline.dropped import DroppedPackets
    from ..plugins.registry import Plugins
    from .replay_jobs import Prepared

Seen = Callable[["Packet", "Verdict"], None]


def run(args: argparse.Namespace, prepared: Prepared, paths: list[str]) -> int:
    """Replay ``paths`` as the arguments say; the exit code."""
    try:
        chosen = parse(args.filter) if args.filter else None
    except FilterError as error:
        complain(f"--filter: {error}")
        return USAGE
    problem = _unsuitable(args, paths)
    if problem:
        complain(problem)
        return USAGE
    try:
        with ExitStack() as stack:
            table_file = stack.enter_context(FlowTableFile(args.output)) if args.output else None
            if args.workers > 1 or args.engine == "dask":
                from .replay_jobs import run_jobs

                return run_jobs(args, prepared, paths, table_file)
            dropped = stack.enter_context(_dropped_packets(args.write_dropped)) if args.write_dropped else None
            return _run_here(args, prepared, paths, chosen, table_file, dropped)
    except BrokenPipeError:
        raise
    except (TableError, OSError) as error:
        complain(str(error))
        return FAILURE


def _unsuitable(args: argparse.Namespace, paths: list[str]) -> str:
    several = args.workers > 1 or args.engine == "dask"
    alone = [
        name
        for name, given in (
            ("--filter", args.filter),
            ("--flow", args.flow),
            ("--limit", args.limit),
            ("--write-dropped", args.write_dropped),
            ("standard input", STDIN in paths),
        )
        if given
    ]
    if several and alone:
        return f"replay: {', '.join(alone)} and several workers do not go together; leave out --workers and --engine"
    if args.statistics is not None and not args.output:
        return "replay: --statistics needs --output FILE"
    if args.scheduler and args.engine != "dask":
        return "replay: --scheduler needs --engine dask"
    return ""


def _run_here(
    args: argparse.Namespace,
    prepared: Prepared,
    paths: list[str],
    chosen: Predicate | None,
    table_file: FlowTableFile | None,
    dropped: DroppedPackets | None,
) -> int:
    config, plugins, _ = prepared
    table = Table(len(paths))
    code = OK
    with quiet_collector(), progress_bar(len(paths)) as bar:
        for path in paths:
            shown = _shown(args, table, path)
            choice = FlowChoice(shown, chosen, args.flow) if chosen or args.flow else None
            sink = shown if choice is None else choice.event
            error = _one(args, (config, plugins), path, (sink, choice, table_file, dropped), bar)
            bar.captures(1)
            if error is not None:
                complain(error)
                code = FAILURE
    if not args.json:
        table.print()
    return code


def _shown(args: argparse.Namespace, table: Table, path: str) -> Callable[[Event], None]:
    """Return what takes the events of one capture: JSON lines or the table, at once where the capture is a stream."""
    if path != STDIN:
        return write_line if args.json else table.add

    def stream(event: Event) -> None:
        if args.json:
            write_line(event)
        else:
            if event["event_type"] not in NOT_SHOWN:
                print(printable(event_line(event)))
            if event["event_type"] == "stats":
                table.add(event)
        sys.stdout.flush()

    return stream


def _one(
    args: argparse.Namespace,
    loaded: tuple[Config, Plugins],
    path: str,
    takers: tuple[Callable[[Event], None], FlowChoice | None, FlowTableFile | None, DroppedPackets | None],
    bar: Bar,
) -> str | None:
    """Replay one capture in an engine of its own; one line when it could not be read to its end."""
    sink, choice, table_file, dropped = takers
    rows = None if table_file is None else FlowRows(table_file.add, args.statistics)
    sinks = [sink] if rows is None else [sink, rows.event]
    watchers: list[Any] = [watcher for watcher in (choice, rows) if watcher is not None]
    looking: list[Seen] = [watcher.seen for watcher in (*watchers, dropped) if watcher is not None]

    def send(event: Event) -> None:
        for one in sinks:
            one(event)

    def seen(packet: Packet, verdict: Verdict) -> None:
        for one in looking:
            one(packet, verdict)

    engine = Engine(*loaded, live=False, sink=sinks[0] if len(sinks) == 1 else send, pcap_filename=path)
    for watcher in watchers:
        watcher.watch(engine)
    summary = replay(
        engine, path, make_hooks(args), seen=seen if looking else None, progress=bar.packets, limit=args.limit
    )
    return summary.error


def _dropped_packets(path: str) -> DroppedPackets:
    """Open the file of dropped packets. dpkt takes long to import: only who writes captures waits for it."""
    from ..offline.dropped import DroppedPackets

    return DroppedPackets(path)
