"""``pywall plugins score``: how well a detector does on captures, and what it costs."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from .common import CONFIGURATION, FAILURE, OK, PLUGIN, add_json, complain, print_json, printable


def add(actions: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    scoring = actions.add_parser(
        "score",
        help="what a detector finds in captures, what it mistakes, what a call costs",
        description="Ask one installed detector about every TCP and UDP conversation of captures. With --port the "
        "conversations with that port are its own: recall is the part of them that it finds, false alarms are others "
        "that it takes for its own. Exit code 1 when a capture cannot be read.",
    )
    scoring.add_argument("name", help="entry-point name of a detector")
    scoring.add_argument("captures", metavar="CAPTURE", nargs="+", help="capture, or a folder of captures")
    scoring.add_argument("--port", type=int, metavar="PORT", help="port of the conversations that are the protocol's")
    add_json(scoring)
    scoring.set_defaults(run=run_score)


def run_score(args: argparse.Namespace) -> int:
    from ..config import Config, nearest
    from ..offline.replay import captures
    from ..plugins.discovery import entry_points
    from ..plugins.loader import load
    from ..sources.pcap import CaptureError
    from ..testing.scoring import score_detector

    names = [point.name for point in entry_points()]
    if args.name not in names:
        complain(f"no plugin {args.name!r} is installed{nearest(args.name, names)}")
        return PLUGIN
    needed = ["stream"] if "stream" in names and args.name != "stream" else []
    config = Config.model_validate({"version": 1, "plugins": [*needed, args.name]})
    plugins = load(config)
    if config.problems:
        for problem in config.problems:
            complain(str(problem))
        return CONFIGURATION
    detector = next((each for each in plugins.detectors.all if each.name == args.name), None)
    if detector is None:
        complain(f"plugin {args.name!r} is not a detector; `pywall plugins list` shows which have the hook detect")
        return PLUGIN
    try:
        score = score_detector(detector, [Path(path) for path in captures(args.captures)], args.port)
    except CaptureError as error:
        complain(str(error))
        return FAILURE
    if args.json:
        print_json({**asdict(score), "recall": score.recall, "mean_us": round(score.mean, 3)})
        return OK
    own = f", {score.own} with port {args.port}" if args.port else ""
    print(f"conversations  {score.conversations}{own}")
    print(f"found          {score.found}" + (f" (recall {score.recall:.3f})" if score.recall is not None else ""))
    print(f"confirmed      {score.confirmed}")
    if args.port:
        print(f"false alarms   {len(score.alarms)}")
        for alarm in score.alarms:
            print(f"  {printable(alarm)}")
    print(f"cost           {score.calls} calls, {score.mean:.2f} us a call, the longest {score.longest / 1000:.0f} us")
    return OK
