"""``pywall explain``: what was detected in a flow and when, how its rules were walked, and why it got its verdict."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..event_lines import flow_text
from .capture_args import add_hooks, found_captures, make_hooks
from .common import FAILURE, OK, USAGE, add_config, add_json, complain, event_name, prepare, printable, warn
from .number_args import count
from .progress import Bar, progress_bar

if TYPE_CHECKING:
    from ..config import Config
    from ..engine.engine import Engine
    from ..explain.trace import Asked, Entry, History
    from ..flows.filter import Predicate
    from ..model.packet import Packet
    from ..model.verdict import Verdict
    from ..plugins.registry import Plugins

Event = dict[str, Any]
_FLAGS = ((2, "SYN"), (16, "ACK"), (8, "PSH"), (1, "FIN"), (4, "RST"), (32, "URG"))


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "explain",
        help="say for each flow of a capture what decided, and why",
        description="Replay a capture and tell, packet by packet where something changed: what each detector answered "
        "at which byte, when facts settled, the walk through the chain with file and line of each rule, the outcomes "
        "left, the verdict, and why it was final or not.",
    )
    parser.add_argument(
        "captures", nargs="+", metavar="CAPTURE", help="what replay takes: files, folders, patterns, - as a stream"
    )
    add_config(parser)
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--flow",
        type=count,
        default=0,
        metavar="N",
        help="only the flow that began as the Nth, from 1; reading ends with it",
    )
    which.add_argument(
        "--filter", metavar="EXPR", help="only these flows, e.g. 'dst port 443' or 'host 192.0.2.1 and udp'"
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        help="a line for each detector that said NO, with the file and line that refused, and those never asked",
    )
    add_hooks(parser)
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..config.sets import build_sets
    from ..flows.filter import FilterError, parse

    config, plugins, _ = prepare(args.config)
    try:
        chosen = parse(args.filter, build_sets(config)) if args.filter else lambda flow: True
    except FilterError as error:
        complain(f"--filter: {error}")
        return USAGE
    warn(config)
    paths = found_captures(args.captures)
    if not paths:
        return FAILURE
    shown = flows = 0
    code = OK
    with progress_bar(len(paths)) as bar:
        for path in paths:
            told = _Capture(args, chosen)
            damage = told.read(config, plugins, path, bar)
            bar.captures(1)
            if len(paths) > 1 and told.stories and not args.json:
                print(f"{printable(path)}:")
            told.print()
            shown += len(told.stories)
            flows += told.flows
            if damage is not None:
                complain(damage)
                code = FAILURE
    if not shown and code == OK and (args.flow or args.filter):
        complain(f"{', '.join(paths[:3])}: none of {flows} flows was asked for")
        return FAILURE
    return code


class _Capture:
    """The stories of one capture's flows, as far as they were asked for."""

    def __init__(self, args: argparse.Namespace, chosen: Predicate) -> None:
        self._args = args
        self._chosen = chosen
        self._events: dict[int, Event] = {}
        self._enough = False
        self.stories: list[tuple[History, Event]] = []
        #: flows that began
        self.flows = 0

    def read(self, config: Config, plugins: Plugins, path: str, bar: Bar) -> str | None:
        """Replay the capture; one line when it could not be read to its end."""
        from ..engine.engine import Engine
        from ..explain.trace import Tracer
        from ..offline.replay import Enough, replay

        tracer = Tracer(lines=self._args.verbose)
        number = self._args.flow

        def sink(event: Event) -> None:
            if event["event_type"] == "flow":
                self._events[event["flow_id"]] = event
                history = tracer.histories.get(event["flow_id"]) if number else None
                self._enough = self._enough or (history is not None and history.number == number)

        def seen(packet: Packet, verdict: Verdict) -> None:
            tracer.seen(packet, verdict)
            if self._enough:
                raise Enough

        self._engine = Engine(config, plugins, live=False, sink=sink, pcap_filename=path, tracer=tracer)
        summary = replay(self._engine, path, make_hooks(self._args), seen=seen, progress=bar.packets)
        self.flows = len(tracer.histories)
        for history in tracer.histories.values():
            event = self._events.get(history.flow.id)
            if event is not None and number in (0, history.number) and self._chosen(history.flow):
                self.stories.append((history, event))
        return summary.error

    def print(self) -> None:
        """Print the stories, as text or as JSON lines."""
        for history, event in self.stories:
            if self._args.json:
                sys.stdout.write(json.dumps(as_json(history, event, self._engine), default=str) + "\n")
            else:
                _print(as_lines(history, event, self._engine, verbose=self._args.verbose))


def as_json(history: History, event: Event, engine: Engine) -> Event:
    """Return one flow's story: the fields of its ``flow`` event, ``decided_by`` and ``steps``."""
    from ..events.fields import clean
    from ..explain.trace import decisive, where

    verdict = decisive(history)
    return {
        "flow": history.number,
        "event": event,
        "decided_by": None
        if verdict is None
        else {"rule": verdict.rule, "where": where(engine.config, verdict, engine)},
        "steps": [
            {
                "pcap_cnt": entry.number,
                "time": entry.time,
                "direction": _direction(entry),
                "hook": entry.hook,
                "payload": entry.payload,
                "asked": [
                    {"name": a.name, "answer": a.answer, "client_bytes": a.client, "server_bytes": a.server}
                    | ({"where": a.where} if a.where else {})
                    for a in entry.asked
                ],
                "learnt": clean(entry.learnt),
                "walk": [w.fields() for w in entry.walk],
                "verdict": entry.verdict.action.value,
                "final": entry.verdict.final,
                "rule": entry.verdict.rule,
                "where": where(engine.config, entry.verdict, engine),
                "reason": clean(entry.verdict.reason),
                "why": entry.why,
                "same_verdict_for": entry.more,
            }
            for entry in history.entries
        ],
    }


def as_lines(history: History, event: Event, engine: Engine, *, verbose: bool = False) -> Iterator[str]:
    """Yield one flow's story for a reader; ``verbose``: where detectors said NO as well, and who was not asked."""
    from ..explain.trace import decisive, where

    verdict = decisive(history)
    yield f"flow {history.number}: {flow_text(event)} {event['proto']}, {event_name(event)}"
    if verdict is not None:
        final = "final" if history.flow.final is not None else "of its last packet"
        decided = f"{verdict.rule} {verdict.title} " if verdict.rule else ""
        yield f"  {verdict.action.name} ({final}), decided by {decided}at {where(engine.config, verdict, engine)}"
    start = history.entries[0].time if history.entries else 0.0
    for entry in history.entries:
        yield f"  packet {entry.number} +{entry.time - start:.6f} s {_packet(entry)}"
        yield from (f"    {line}" for line in _asked_lines(entry.asked, verbose))
        for name, value in entry.learnt.items():
            yield f"    known: {name} = {_short(value)}"
        for walked in entry.walk:
            left = f", possible: {' or '.join(walked.outcomes)}" if walked.outcomes else ""
            title = f"{walked.rule} {walked.title}".rstrip()
            yield f"    {walked.answer:<7} {title}: {walked.action} ({walked.where}){left}"
        place = where(engine.config, entry.verdict, engine)
        decider = entry.verdict.title or entry.verdict.plugin
        yield f"    => {entry.verdict.action.name} by {decider} ({place}): {_reason(entry)}"
        if entry.more:
            yield f"  {entry.more} more packets: the same"
    if verbose:
        asked = {one.name for entry in history.entries for one in entry.asked}
        silent = [detector.name for detector in engine.plugins.detectors.all if detector.name not in asked]
        yield f"  never asked, for the transport, the first bytes or a match before them: {', '.join(silent) or 'none'}"
    yield ""


def _asked_lines(asked: list[Asked], verbose: bool) -> Iterator[str]:
    """Detectors with the same answer at the same bytes on one line; a match with its facts on its own, ``verbose`` also
    each NO with its place."""
    together: dict[tuple[str, int, int], list[str]] = {}
    for one in asked:
        if verbose and one.where:
            yield f"NO at byte {one.client} of the client, {one.server} of the server: {one.name} ({one.where})"
        elif one.answer in ("NO", "MORE"):
            together.setdefault((one.answer, one.client, one.server), []).append(one.name)
        else:
            yield f"{one.name}: {one.answer} at byte {one.client} of the client, {one.server} of the server"
    for (answer, client, server), names in together.items():
        listed = ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
        yield f"{answer} at byte {client} of the client, {server} of the server: {listed}"


def _direction(entry: Entry) -> str:
    return "to_server" if entry.to_server else "to_client"


def _packet(entry: Entry) -> str:
    flags = "/".join(name for bit, name in _FLAGS if entry.flags & bit) if entry.flags < 256 else ""
    return f"{_direction(entry)} {entry.hook} {flags + ' ' if flags else ''}{entry.payload} bytes"


def _reason(entry: Entry) -> str:
    reason = entry.verdict.reason
    return f"{reason}; {entry.why}" if entry.why else reason


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 90 else text[:87] + "..."


def _print(lines: Iterator[str]) -> None:
    text = "\n".join(printable(line) for line in lines)
    if sys.stdout.isatty():
        try:
            from rich.console import Console
            from rich.text import Text
        except ImportError:
            pass
        else:
            coloured = Text(text)
            coloured.highlight_words(["ACCEPT", "YES", "MATCH"], "green")
            coloured.highlight_words(["DROP", "REJECT"], "red")
            coloured.highlight_words(["PENDING", "MORE"], "yellow")
            coloured.highlight_regex(r"(?m)^flow .*$", "bold")
            Console(soft_wrap=True).print(coloured)
            return
    print(text)
