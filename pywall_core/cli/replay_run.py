"""How ``pywall replay`` runs: one engine after the other here, or jobs in other processes or on a cluster."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import TYPE_CHECKING

from ..config.sets import build_sets
from ..flows.filter import FilterError, parse
from ..offline.replay import quiet_collector
from ..offline.sequence import Asked, CaptureRun
from ..offline.tables import FlowTableFile, TableError
from ..sources.capture_file import STDIN
from .capture_args import make_hooks
from .common import FAILURE, OK, USAGE, complain, error_text
from .progress import Bar, progress_bar
from .replay_output import Output, Table

if TYPE_CHECKING:
    from ..offline.dropped import DroppedPackets
    from .replay_jobs import Prepared


def run(args: argparse.Namespace, prepared: Prepared, paths: list[str]) -> int:
    """Replay ``paths`` as the arguments say; the exit code."""
    try:
        if args.filter:
            parse(args.filter, build_sets(prepared[0], read_files=False))
    except FilterError as error:
        complain(f"--filter: {error}")
        return USAGE
    problem = _unsuitable(args, paths)
    if problem:
        complain(problem)
        return USAGE
    asked = Asked(
        args.filter or "", args.flow, args.limit, bool(args.output), args.statistics, bool(args.write_dropped)
    )
    sequences = [paths] if args.continues else [[path] for path in paths]
    several = (args.workers > 1 or args.engine == "dask") and STDIN not in paths
    if args.workers > 1 and not several:
        complain("replay: standard input is read by one process")
    try:
        with ExitStack() as stack:
            output = Output(args.json, Table(len(paths)))
            output.table_file = stack.enter_context(FlowTableFile(args.output)) if args.output else None
            output.dropped = stack.enter_context(_dropped_packets(args.write_dropped)) if args.write_dropped else None
            bar = stack.enter_context(progress_bar(len(paths)))
            run_them: Callable[..., list[str]] = _run_here
            if several:
                from .replay_jobs import run_jobs as run_them
            errors = run_them(args, prepared, sequences, asked, output, bar)
            if errors:
                output.discard_empty()
            if not args.json:
                output.table.print()
    except BrokenPipeError:
        raise
    except (TableError, OSError) as error:
        complain(error_text(error))
        return FAILURE
    if several:
        for line in errors:
            complain(line)
    return FAILURE if errors else OK


def _unsuitable(args: argparse.Namespace, paths: list[str]) -> str:
    if args.engine == "dask" and STDIN in paths:
        return "replay: standard input cannot be sent to a cluster; leave out --engine, or give files"
    if paths.count(STDIN) > 1:
        return "replay: - is given more than once; standard input can be read once"
    if args.statistics is not None and not args.output:
        return "replay: --statistics needs --output FILE"
    if args.scheduler and args.engine != "dask":
        return "replay: --scheduler needs --engine dask"
    return ""


def _run_here(
    args: argparse.Namespace,
    prepared: Prepared,
    sequences: Sequence[Sequence[str]],
    asked: Asked,
    output: Output,
    bar: Bar,
) -> list[str]:
    """Replay one sequence after the other. Return what could not be read; it was said on standard error."""
    config, plugins, _ = prepared
    errors: list[str] = []
    with quiet_collector():
        for captures in sequences:
            takers = output.takers(captures)
            found = CaptureRun((config, plugins), captures, asked, takers, progress=bar.packets).run(make_hooks(args))
            bar.captures(len(captures))
            for error in found.errors:
                complain(error)
            errors += found.errors
    return errors


def _dropped_packets(path: str) -> DroppedPackets:
    """Open the file of dropped packets. dpkt takes long to import: only who writes captures waits for it."""
    from ..offline.dropped import DroppedPackets

    return DroppedPackets(path)
