"""``pywall report``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any, Final

from pywall_core.client import WholeFile

from .html import render
from .source import (
    FlowKey,
    Policy,
    SourceError,
    changed_flows,
    events_of_captures,
    events_of_file,
    stories,
)
from .summary import Summary, summarize

#: beyond so many flows or captures the walks of ``pywall explain`` are left out: they would make the file too large
STORY_FLOWS: Final = 2000
STORY_CAPTURES: Final = 50


def command(parser: argparse.ArgumentParser) -> None:
    """Describe the command line."""
    parser.description = (
        "Write one HTML file about captures, or about the events of a running firewall: verdicts over time, protocols, "
        "hosts, encrypted and unknown flows, names, fingerprints, certificates, what each rule did, and each flow's "
        "story. The file needs no network and no other file."
    )
    parser.add_argument("captures", nargs="*", metavar="CAPTURE", help="what `pywall replay` takes")
    parser.add_argument("--events", metavar="FILE", help="an EVE file instead of captures; - is standard input")
    parser.add_argument("--config", metavar="FILE", help="the policy for the captures")
    parser.add_argument("--against", metavar="FILE", help="another policy: which flows would get another verdict?")
    parser.add_argument("--local", action="append", default=[], metavar="CIDR", help="as in `pywall replay`")
    parser.add_argument("-o", "--output", default="report.html", metavar="FILE", help="default: report.html")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Make the report; the exit code, 1 where a capture was not read to its end."""
    if bool(args.events) == bool(args.captures):
        print("report: give captures, or --events FILE", file=sys.stderr)
        return 2
    if args.events and args.against:
        print("report: --against needs captures; events hold one policy's verdicts", file=sys.stderr)
        return 2
    if trouble := _output_trouble(Path(args.output)):
        print(f"report: {args.output}: {trouble}", file=sys.stderr)
        return 1
    policy = Policy(args.config, args.against, [word for cidr in args.local for word in ("--local", cidr)])
    try:
        events = events_of_file(args.events) if args.events else events_of_captures(args.captures, policy)
        summary = summarize(events)
        if policy.damaged and not summary.flows:
            raise SourceError("no flow could be read, no report is written")
        changed = changed_flows(args.captures, policy) if args.captures else []
        captures = sorted({flow["f"] for flow in summary.flows if flow["f"]})
        if args.captures and len(summary.flows) <= STORY_FLOWS and len(captures) <= STORY_CAPTURES:
            _add_stories(summary, stories(captures, policy))
    except SourceError as error:
        print(f"report: {error}", file=sys.stderr)
        return 1
    title = args.events or ", ".join(args.captures[:3]) + (" ..." if len(args.captures) > 3 else "")
    page = render(summary, changed, title, args.config or "default policy" if args.captures else "")
    try:
        _write(args.output, page)
    except OSError as error:
        print(f"report: {args.output}: {error.strerror}", file=sys.stderr)
        return 1
    print(f"{args.output}: {len(summary.flows)} flows, {len(page) / 1e6:.1f} MB")
    return 1 if policy.damaged else 0


def _output_trouble(path: Path) -> str:
    """Return why no page can be written there, before the work of making one; nothing where it can."""
    if path.is_dir():
        return "it is a folder; name a file in it"
    folder = path.absolute().parent
    if not folder.is_dir():
        return f"there is no folder {folder}"
    return "" if os.access(path if path.exists() else folder, os.W_OK) else "it may not be written"


def _write(path: str, page: str) -> None:
    """Write the page so that it is there whole or not at all. :raises OSError: it cannot be written"""
    file = WholeFile(path)
    try:
        file.part.write_text(page, encoding="utf-8")
        file.publish()
    finally:
        file.discard()


def _add_stories(summary: Summary, found: dict[FlowKey, list[Any]]) -> None:
    for key, flow in zip(summary.keys, summary.flows, strict=True):
        if key in found:
            flow["x"] = {**flow["x"], "steps": found[key]}
