"""``pywall replay``: what the policy would do with captured traffic."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any, Final

from ..event_lines import flow_text, why
from .common import FAILURE, add_config, add_json, complain, event_name, prepare, print_table, printable, warn

if TYPE_CHECKING:
    from ..config import Config
    from ..offline.replay import Hooks
    from ..plugins.registry import Plugins

Event = dict[str, Any]


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "replay",
        help="send captures through the firewall, without privileges",
        description="Send captures (pcap, pcapng) through the firewall and print what each flow was and what was "
        "decided. Packets to a flow's responder count as INPUT, back as OUTPUT, unless --local or --hook says "
        "otherwise. Several captures are independent of each other.",
    )
    parser.add_argument(
        "captures",
        nargs="+",
        metavar="CAPTURE",
        help="file (pcap, pcapng; gzip, xz, bzip2 and zstd are undone), a folder with captures anywhere below, "
        "a pattern, or - for standard input, which is answered as packets come",
    )
    add_config(parser)
    parser.add_argument(
        "--against", metavar="FILE", help="another configuration: print the flows that it judges otherwise"
    )
    add_hooks(parser)
    add_choice(parser)
    parser.add_argument("--limit", type=count, default=0, metavar="N", help="only the first N frames of each capture")
    parser.add_argument(
        "--output",
        metavar="FILE",
        help="write a row a flow, with all facts: .csv, .jsonl, .parquet or .duckdb (see pywall query)",
    )
    parser.add_argument(
        "--statistics",
        type=count,
        metavar="N",
        help="with --output: columns of packet sizes and gaps, and the first N packets one by one (0: none)",
    )
    parser.add_argument(
        "--write-dropped", metavar="FILE", help="write the packets that do not pass to a pcapng, each with its reason"
    )
    parser.add_argument(
        "--workers", type=count, default=1, metavar="N", help="processes that share the captures, or one large capture"
    )
    parser.add_argument(
        "--engine", choices=("local", "dask"), default="local", help="dask: the jobs go to a cluster (dask.distributed)"
    )
    parser.add_argument("--scheduler", metavar="ADDRESS", help="with --engine dask: the scheduler; else a cluster here")
    add_json(parser)
    parser.set_defaults(run=run)


def add_choice(parser: argparse.ArgumentParser) -> None:
    """``--flow`` and ``--filter``: which flows are shown."""
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--flow", type=count, default=0, metavar="N", help="only the flow that began as the Nth, from 1")
    which.add_argument(
        "--filter", metavar="EXPR", help="only these flows, e.g. 'dst port 443' or 'host 192.0.2.1 and udp'"
    )


def count(text: str) -> int:
    """Return a number from 0, for argparse."""
    try:
        number = int(text)
    except ValueError:
        number = -1
    if number < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0")
    return number


def add_hooks(parser: argparse.ArgumentParser) -> None:
    """``--local`` and ``--hook``: by which netfilter hook packets come."""
    parser.add_argument(
        "--local",
        action="append",
        type=network,
        default=[],
        metavar="CIDR",
        help="our side: packets to it count as INPUT, from it as OUTPUT, others as FORWARD; may be given again",
    )
    parser.add_argument("--hook", choices=("INPUT", "OUTPUT", "FORWARD"), help="all packets count as this hook's")


def network(text: str) -> Any:
    """Return an IP network, for argparse."""
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def make_hooks(args: argparse.Namespace) -> Hooks:
    """Return what ``--local`` and ``--hook`` say."""
    from ..model.packet import HOOK_NAMES
    from ..offline.replay import Hooks

    by_name = {name: number for number, name in HOOK_NAMES.items()}
    return Hooks(args.local, by_name[args.hook] if args.hook else None)


def run(args: argparse.Namespace) -> int:
    from ..offline.replay import captures

    config, plugins, chains = prepare(args.config)
    warn(config)
    paths = captures(args.captures)
    if not paths:
        complain(f"{args.captures[0]}: no captures below")
        return FAILURE
    if args.against is not None:
        from .against import compare

        return compare(args, (config, plugins), paths)
    from . import replay_run

    return replay_run.run(args, (config, plugins, chains), paths)


def one_capture(
    config: Config, plugins: Plugins, path: str, hooks: Hooks, sink: Callable[[Event], None], bar: Bar
) -> str | None:
    """Replay one capture in an engine of its own; one line when it could not be read to its end."""
    from ..engine.engine import Engine
    from ..offline.replay import replay

    engine = Engine(config, plugins, live=False, sink=sink, pcap_filename=path)
    return replay(engine, path, hooks, progress=bar.packets).error


def write_line(event: Event) -> None:
    """One event on standard output."""
    from ..events.eve import to_line

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
        self._flows = 0
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
        self._flows += 1
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
        print(f"{self._frames} packets, {self._flows} flows; verdicts: {verdicts}", end="")
        if self._not_ip:
            print("; without IP: " + ", ".join(f"{n} {reason}" for reason, n in self._not_ip.most_common(8)), end="")
        print()


def volume(event: Event) -> tuple[int, int]:
    """Return packets and bytes of both directions."""
    flow = event["flow"]
    return flow["pkts_toserver"] + flow["pkts_toclient"], flow["bytes_toserver"] + flow["bytes_toclient"]


class Bar:
    """Progress on standard error, when that is a terminal and rich is installed."""

    def __init__(self, progress: Any = None, task: Any = None) -> None:
        self._progress = progress
        self._task = task
        self._packets = 0

    def packets(self, n: int) -> None:
        self._packets += n
        if self._progress is not None:
            self._progress.update(self._task, packets=self._packets)

    def captures(self, n: int) -> None:
        if self._progress is not None:
            self._progress.advance(self._task, n)


@contextmanager
def progress_bar(total: int) -> Iterator[Bar]:
    """A bar over ``total`` captures."""
    if not sys.stderr.isatty():
        yield Bar()
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        yield Bar()
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("captures, {task.fields[packets]} packets"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield Bar(progress, progress.add_task("replay", total=total, packets=0))
