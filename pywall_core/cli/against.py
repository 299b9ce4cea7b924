"""``pywall replay --against``: which flows two configurations decide differently, and why."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any, Final, cast

from ..sources.capture_file import STDIN
from .common import FAILURE, OK, USAGE, complain, prepare, print_table, printable, warn
from .labels import block, fits, width

if TYPE_CHECKING:
    from collections.abc import Callable

    from ..config import Config
    from ..flows.filter import Predicate
    from ..model.flow import Flow
    from ..offline.replay import Hooks
    from ..plugins.registry import Plugins
    from .progress import Bar

Event = dict[str, Any]
Loaded = tuple["Config", "Plugins"]
Flows = dict[tuple[object, ...], Event]

_NOT_WITH_AGAINST: Final = {
    "flow": "--flow",
    "output": "--output",
    "statistics": "--statistics",
    "write_dropped": "--write-dropped",
    "continues": "--continue",
}


def compare(args: argparse.Namespace, first: Loaded, paths: list[str]) -> int:
    """Replay every capture under both configurations; print the flows whose verdict or deciding rule's action differs.

    With ``--json``: the flow event under the first one, and under ``pywall.against`` what the other one makes of it.
    """
    from ..config.sets import build_sets
    from ..event_lines import flow_text, why
    from ..flows.filter import FilterError, parse
    from ..offline.replay import quiet_collector
    from .capture_args import make_hooks
    from .progress import progress_bar
    from .replay_output import write_line

    try:
        chosen = parse(args.filter, build_sets(first[0])) if args.filter else None
    except FilterError as problem:
        complain(f"--filter: {problem}")
        return USAGE
    unsuitable = _unsuitable(args, paths)
    if unsuitable:
        complain(f"replay: {unsuitable} and --against do not go together")
        return USAGE
    if args.workers > 1 or args.engine != "local":
        complain("replay: --against runs in one process")
    config, plugins, _ = prepare(args.against)
    warn(config)
    second: Loaded = config, plugins
    code = OK
    flows = changed = 0
    rows: list[list[str]] = []
    with quiet_collector(), progress_bar(len(paths)) as bar:
        for path in paths:
            results: list[dict[tuple[object, ...], Event]] = []
            for loaded in (first, second):
                seen = _Flows()
                error = _one_capture(loaded, path, args.limit, make_hooks(args), seen.add, bar)
                results.append(seen.flows)
            bar.captures(1)
            if error is not None:
                complain(error)
                code = FAILURE
            pairs = [pair for pair in _pairs(*results) if chosen is None or any(map(_as_chosen(chosen), pair))]
            flows += len(pairs)
            for before, after in pairs:
                if _action(before) == _action(after):
                    continue
                changed += 1
                if args.json:
                    write_line(_merged(before, after, args.against))
                    continue
                actions = f"{_action(before)} -> {_action(after)}"
                event = before or after
                rows.append([path, flow_text(event), event["app_proto"], actions, _why(before, why), _why(after, why)])
    if not args.json:
        _print_rows(rows)
        print(f"{changed} of {flows} flows change their verdict")
    return code


def _unsuitable(args: argparse.Namespace, paths: list[str]) -> str:
    """Return what was given that does not go together with ``--against``, empty where all does."""
    alone = [option for name, option in _NOT_WITH_AGAINST.items() if getattr(args, name)]
    return ", ".join(alone + (["standard input"] if STDIN in paths else []))


_HEAD = ["capture", "flow", "app", "verdict", "before", "after"]


def _print_rows(rows: list[list[str]]) -> None:
    """A table where it fits, else a few lines for each flow below the name of its capture."""
    columns = width()
    if not rows or columns is None or fits([_HEAD, *rows], columns):
        if rows:
            print_table(_HEAD, rows)
        return
    shown = ""
    for path, flow, app, verdict, before, after in rows:
        if path != shown:
            print(printable(path))
            shown = path
        source, _, target = flow.partition(" -> ")
        rest = f"{app}, {verdict}; before: {before or 'not seen'}; after: {after or 'not seen'}"
        print("\n".join(printable(line) for line in block([f"  {source}", f"-> {target}"], rest, columns)))


class _Flows:
    """Flow events of one replay by five-tuple and start, which do not depend on the configuration."""

    def __init__(self) -> None:
        self.flows: dict[tuple[object, ...], Event] = {}

    def add(self, event: Event) -> None:
        if event["event_type"] == "flow":
            self.flows[(event["community_id"], event["src_ip"], event["flow"]["start"])] = event


def _pairs(
    before: dict[tuple[object, ...], Event], after: dict[tuple[object, ...], Event]
) -> list[tuple[Event, Event]]:
    """Return each flow's event under both configurations; an empty one where a configuration did not see that flow."""
    pairs = [(event, after.get(key, {})) for key, event in before.items()]
    return pairs + [({}, event) for key, event in after.items() if key not in before]


def _as_chosen(chosen: Predicate) -> Callable[[Event], bool]:
    """Return a filter over flows as one over their events."""
    from ..events.as_flow import EventFlow

    return lambda event: bool(event) and chosen(cast("Flow", EventFlow(event)))


def _action(event: Event) -> str:
    return str(event["verdict"]["action"]) if event else "not seen"


def _why(event: Event, why: Any) -> str:
    return str(why(event)) if event else ""


def _merged(before: Event, after: Event, other: str) -> Event:
    event = dict(before or after)
    against: Event = {"config": other, "action": _action(after)}
    if after:
        against |= {"app_proto": after["app_proto"], **after["pywall"]}
    event["pywall"] = {**(before["pywall"] if before else {}), "against": against}
    return event


def _one_capture(
    loaded: Loaded, path: str, limit: int, hooks: Hooks, sink: Callable[[Event], None], bar: Bar
) -> str | None:
    """Replay one capture in an engine of its own; one line when it could not be read to its end."""
    from ..offline.sequence import Asked, CaptureRun, Takers

    return CaptureRun(loaded, [path], Asked(limit=limit), Takers(sink), progress=bar.packets).run(hooks).error
