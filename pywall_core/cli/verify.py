"""``pywall verify``: cases of capture, configuration and expectation."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

from .common import CONFIGURATION, FAILURE, OK, PLUGIN, add_json, complain, print_json


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "verify",
        help="replay cases and compare their events with what is expected",
        description="Run every case at or below DIR: a folder with captures, pywall.yaml, and expect.yaml with filters "
        "on the events (match, count, absent).",
    )
    parser.add_argument(
        "folders", nargs="+", metavar="DIR", type=Path, help="folder of a case, or of folders with cases"
    )
    add_json(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from ..config import ConfigError
    from ..offline.verify import Result, cases, verify
    from ..plugins.discovery import PluginError

    found = [case for folder in args.folders for case in cases(folder)]
    if not found:
        complain(f"{args.folders[0]}: no case (a folder with expect.yaml) below")
        return FAILURE
    results = []
    code = OK
    for case in found:
        try:
            result = verify(case)
        except (ConfigError, PluginError) as error:
            result = Result(str(case), problems=str(error).splitlines())
            code = CONFIGURATION if isinstance(error, ConfigError) else PLUGIN
        results.append(result)
        if args.json:
            continue
        print(
            f"{'FAIL' if result.problems else 'ok  '} {result.name}: {result.description or f'{result.checks} checks'}"
        )
        for problem in result.problems:
            print(f"     {problem}")
    failed = sum(bool(result.problems) for result in results)
    if args.json:
        print_json([{**asdict(result), "ok": not result.problems} for result in results])
    else:
        print(f"{len(results)} cases, {failed} failed")
    return code or (FAILURE if failed else OK)
