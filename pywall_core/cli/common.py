"""What subcommands share: exit codes, arguments, output."""

from __future__ import annotations

import argparse
import gc
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..event_lines import printable as printable

if TYPE_CHECKING:
    from ..config import BoundRule, Config, Problem
    from ..plugins.registry import Plugins

OK: Final = 0
FAILURE: Final = 1
USAGE: Final = 2
CONFIGURATION: Final = 3
PLUGIN: Final = 4
PRIVILEGES: Final = 5
#: ^C, as shells have it: 128 and the signal's number
INTERRUPTED: Final = 130


def add_config(parser: argparse.ArgumentParser) -> None:
    """``--config``: what :func:`pywall_core.config.load` takes."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        help="YAML file, or policy:NAME for a ready-made one (pywall check --policies); without it policy:default",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    """``--json``"""
    parser.add_argument("--json", action="store_true", help="print JSON")


def read_lines(names: Iterable[str]) -> Iterator[str]:
    """Yield the lines of text files, one after the other; ``-`` is the standard input. Raises OSError."""
    for name in names:
        if name == "-":
            yield from sys.stdin
        else:
            with Path(name).open(encoding="utf-8") as file:
                yield from file


def complain(line: str) -> None:
    """One line on standard error, under our name unless it begins with a file's."""
    print(printable(line), file=sys.stderr)


def error_text(error: BaseException) -> str:
    """Return what the operating system refused, without its number: ``x.yaml: No such file or directory``."""
    if not isinstance(error, OSError) or not error.strerror:
        return str(error)
    return f"{error.filename}: {error.strerror}" if error.filename else error.strerror


def complain_about(problem: Problem, kind: str = "") -> None:
    """One thing that is wrong with a configuration, below it the line of the file with a caret, on standard error."""
    complain(f"{kind}{problem}")
    if problem.excerpt:
        complain("\n".join(f"    {line}" for line in problem.excerpt.split("\n")))


def warn(config: Config) -> None:
    """The configuration's warnings on standard error."""
    for problem in config.suspicious:
        complain_about(problem, "warning: ")


def prepare(source: str | None, *, sets: bool = False) -> tuple[Config, Plugins, dict[str, list[BoundRule]]]:
    """Return a configuration with its plugins loaded and its rules bound: all that can be known before a packet comes.

    :param sets: whether all entries of named sets are read, which a start does later
    :raises ConfigError: with all errors of the file and of the rules
    :raises PluginError: a plugin cannot be loaded
    """
    collecting = gc.isenabled()
    gc.disable()  # what is imported stays: to look through it again and again is a tenth of the start
    try:
        from ..config import load
        from ..plugins.loader import load as load_plugins

        config = load(source, strict=False)
        if config.sets:
            from ..config.sets import check_sets

            check_sets(config, entries=sets)
        plugins = load_plugins(config)
        return config, plugins, plugins.bind(config)
    finally:
        if collecting:
            gc.freeze()
            gc.unfreeze()  # old from now on: the next collection would look through all of it as through what is new
            gc.enable()


def print_json(data: Any) -> None:
    """One JSON document, indented, on standard output."""
    print(json.dumps(data, indent=2, ensure_ascii=False, default=str))


def name_text(app: str | None, facts: Mapping[str, object]) -> str:
    """Return a flow's name for a table: ``tls``, or ``unknown, encrypted 0.98`` with the class and its probability."""
    text = app or "pending"
    label, confidence = facts.get("payload.class"), facts.get("payload.confidence")
    if label is None:
        return text
    return f"{text}, {label} {confidence:.2f}" if isinstance(confidence, float) else f"{text}, {label}"


def event_name(event: Mapping[str, Any]) -> str:
    """Return :func:`name_text` of a flow event."""
    from ..events.fields import own_facts

    return name_text(event.get("app_proto"), own_facts(dict(event)))


def print_table(
    headers: Sequence[str], rows: Iterable[Sequence[object]], widths: list[int] | None = None
) -> list[int] | None:
    """Columns on standard output: with rich on a terminal, where it is installed, else aligned by spaces.

    Return the widths of the columns, in characters: given back with further rows, they continue the table. None after
    rich's table, which the next rows begin again.
    """
    lines = [[printable(str(cell)) for cell in row] for row in rows]
    if widths is None:
        if sys.stdout.isatty() and _print_rich(headers, lines):
            return None
        widths = [max(len(line[at]) for line in [list(headers), *lines]) for at in range(len(headers))]
        lines.insert(0, list(headers))
    for line in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    return widths


def _print_rich(headers: Sequence[str], lines: Sequence[Sequence[str]]) -> bool:
    try:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    console = Console()
    longest = [max(map(len, " ".join(column).split()), default=0) for column in zip(headers, *lines, strict=True)]
    if sum(longest) + _GAP * len(longest) > console.width:
        return False  # rich would cut an address or an ID
    table = Table(*headers, box=box.SIMPLE_HEAD)
    for line in lines:
        table.add_row(*(Text(cell) for cell in line))
    console.print(table)
    return True


#: blanks that rich's table has around a column
_GAP: Final = 3
