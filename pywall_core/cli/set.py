"""``pywall set``: entries of the policy's named sets, looked at and changed while the firewall runs."""

from __future__ import annotations

import argparse
from typing import Any

from .common import FAILURE, OK, USAGE, add_config, add_json, complain, print_json, print_table
from .number_args import positive
from .set_change import add_duration, ask_firewall, change


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    from . import set_crowdsec

    parser = subparsers.add_parser(
        "set",
        help="look at and change named sets while the firewall runs",
        description="Named sets (`sets:` in the policy) hold addresses, ports, names or strings; rules ask for them by "
        "@NAME. A change takes effect at once, for connections that were accepted before, and persists over reload and "
        "restart.",
    )
    actions = parser.add_subparsers(title="what", metavar="WHAT", required=True)
    one = actions.add_parser("add", help="add entries")
    _add_entries(one)
    add_duration(one)
    one = actions.add_parser("del", help="take entries out")
    _add_entries(one)
    one = actions.add_parser("list", help="sets with their sizes, or the entries of one")
    one.add_argument("set", nargs="?", metavar="SET", help="name of the set; without it all sets")
    one.add_argument("--limit", type=positive, default=100, metavar="N", help="entries at most (100)")
    add_json(one)
    one.set_defaults(run=run_list)
    one = actions.add_parser("test", help="are these values members?")
    one.add_argument("set", metavar="SET", help="name of the set")
    one.add_argument("values", nargs="+", metavar="VALUE", help="addresses, ports, names or texts")
    add_json(one)
    one.set_defaults(run=run_test)
    one = actions.add_parser("refresh", help="fetch the files of sets that have a `source:`, and read files again")
    one.add_argument("sets", nargs="*", metavar="SET", help="only these")
    add_config(one)
    one.set_defaults(run=run_refresh)
    set_crowdsec.add(actions)


def _add_entries(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("set", metavar="SET", help="name of the set")
    parser.add_argument("entries", nargs="+", metavar="ENTRY", help="addresses, networks, ports, names or texts")
    operation = "delete" if parser.prog.endswith(" del") else "add"
    parser.set_defaults(run=lambda args: change(operation, args.set, args.entries, getattr(args, "seconds", None)))


def run_list(args: argparse.Namespace) -> int:
    """``pywall set list``"""
    if args.set is None:
        answer = ask_firewall({"command": "stats"})
        if answer is None:
            return FAILURE
        sets: dict[str, Any] = {}
        for worker in answer["stats"]:
            sets |= worker.get("sets", {})
        if args.json:
            print_json(sets)
        else:
            print_table(["set", "type", "entries"], [[n, one["type"], one["entries"]] for n, one in sets.items()])
        return OK
    answer = ask_firewall({"command": "set-entries", "set": args.set, "limit": args.limit})
    if answer is None:
        return FAILURE
    if args.json:
        print_json({key: answer[key] for key in ("set", "type", "size", "entries")})
        return OK
    print_table(["entry", "left"], [[one["entry"], _left(one["left"])] for one in answer["entries"]])
    if answer["size"] > len(answer["entries"]):
        print(f"{len(answer['entries'])} of {answer['size']} entries; --limit shows more")
    return OK


def _left(seconds: float | None) -> str:
    if seconds is None:
        return ""
    for unit, size in (("d", 86_400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:.0f}s"


def run_test(args: argparse.Namespace) -> int:
    """``pywall set test``: exit code 0 when all values are members."""
    answer = ask_firewall({"command": "set-entries", "set": args.set, "test": args.values, "limit": 0})
    if answer is None:
        return USAGE
    if args.json:
        print_json(answer["members"])
    else:
        for value, member in answer["members"].items():
            print(f"{value}: {'in' if member else 'not in'} @{args.set}")
    return OK if all(answer["members"].values()) else FAILURE


def run_refresh(args: argparse.Namespace) -> int:
    """``pywall set refresh``: before the first start it fetches the files, else the firewall reads them again."""
    from ..config import load, nearest
    from ..config.feeds import FeedError, fetch
    from ..kernel.checks import is_running

    config = load(args.config, strict=False)
    with_file = [name for name, section in config.sets.items() if section.file is not None]
    chosen = args.sets or with_file
    code = OK
    for name in chosen:
        if name not in with_file:
            known = f" (known: {', '.join(with_file)})" if with_file else ""
            complain(f"set: {config.source} has no set {name!r} with a file{nearest(name, with_file)}{known}")
            code = USAGE
    if not chosen:
        complain(f"set: no set of {config.source} has a file; --config FILE names another policy")
        code = USAGE
    running = is_running()
    for name in (one for one in chosen if one in with_file):
        section = config.sets[name]
        if section.source is not None:
            try:
                print(f"{name}: {fetch(name, section)} entries")
            except FeedError as error:
                complain(f"set: {error}; the file is left as it was")
                code = FAILURE
                continue
        if running and ask_firewall({"command": "set", "op": "reload", "set": name}) is None:
            code = FAILURE
    if not running and code == OK:
        complain("set: pywall does not run in this network namespace; it reads the files when it starts")
    return code
