"""``pywall replay``: what the policy would do with captured traffic."""

from __future__ import annotations

import argparse

from .capture_args import add_hooks, found_captures
from .common import FAILURE, add_config, add_json, prepare, warn
from .number_args import count, positive


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "replay",
        help="send captures through the firewall, without privileges",
        description="Send captures (pcap, pcapng) through the firewall and print what each flow was and what was "
        "decided. Packets to a flow's responder count as INPUT, back as OUTPUT, unless --local or --hook says "
        "otherwise. Several captures are independent of each other, unless --continue says otherwise.",
    )
    parser.add_argument(
        "captures",
        nargs="+",
        metavar="CAPTURE",
        help="file (pcap, pcapng; also compressed by gzip, xz, bzip2 or zstd), a folder with captures anywhere below, "
        "a pattern, or - for standard input, which is answered as packets come",
    )
    add_config(parser)
    parser.add_argument(
        "--against", metavar="FILE", help="another configuration: print the flows to which it gives another verdict"
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
        "--continue",
        dest="continues",
        action="store_true",
        help="the captures are one, cut into files (tcpdump -C, -G): flows, limits and sets go on from one to the next",
    )
    parser.add_argument(
        "--workers",
        type=positive,
        default=1,
        metavar="N",
        help="processes that share the captures, or one large capture",
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
    which.add_argument(
        "--flow", type=positive, default=0, metavar="N", help="only the flow that began as the Nth, from 1"
    )
    which.add_argument(
        "--filter", metavar="EXPR", help="only these flows, e.g. 'dst port 443' or 'host 192.0.2.1 and udp'"
    )


def run(args: argparse.Namespace) -> int:
    config, plugins, chains = prepare(args.config)
    warn(config)
    paths = found_captures(args.captures)
    if not paths:
        return FAILURE
    if args.against is not None:
        from .against import compare

        return compare(args, (config, plugins), paths)
    from . import replay_run

    return replay_run.run(args, (config, plugins, chains), paths)
