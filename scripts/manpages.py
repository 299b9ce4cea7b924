"""``python scripts/manpages.py FOLDER``: pywall(8) and a page for each subcommand, from their parsers."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from pywall_core import __version__
from pywall_core.cli import whole_parser


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    parser = whole_parser()
    pages = [("pywall", parser), *subcommands(parser)]
    others = [name for name, _ in pages]
    for name, each in pages:
        (folder / f"{name}.8").write_text("\n".join(page(name, each, others)) + "\n", encoding="utf-8")


def subcommands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Yield the page's name and the parser of each subcommand, one level deep."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, each in action.choices.items():
                yield f"pywall-{name}", each


def page(name: str, parser: argparse.ArgumentParser, others: list[str]) -> Iterator[str]:
    """Yield the lines of one page, man(7)."""
    parser.prog = name.replace("-", " ", 1)
    summary = (parser.description or "a subcommand of pywall").split(". ")[0].rstrip(".")
    yield f'.TH {name.upper()} 8 "" "PyWall {__version__}" "System Administration"'
    yield from (".SH NAME", f"{name} \\- {roff(summary)}", ".SH SYNOPSIS", ".nf")
    yield roff(parser.format_usage().removeprefix("usage: ").rstrip())
    yield from (".fi", ".SH DESCRIPTION", roff(parser.description or ""))
    yield from arguments(parser)
    if parser.epilog:
        yield from (".SH NOTES", roff(parser.epilog))
    see = [f".BR {roff(other)} (8)" for other in others if other != name] if name == "pywall" else [".BR pywall (8)"]
    yield from (".SH SEE ALSO", " ,\n".join(see))


def arguments(parser: argparse.ArgumentParser, heading: str = "OPTIONS") -> Iterator[str]:
    """Yield the arguments, then those of subcommands of this one under their own headings."""
    formatter = parser._get_formatter()
    nested = []
    yield f".SH {roff(heading)}"
    for action in parser._actions:
        if action.help == argparse.SUPPRESS:
            continue
        if isinstance(action, argparse._SubParsersAction):
            nested.append(action)
            for choice in action._choices_actions:
                yield from (
                    ".TP",
                    f".B {roff(choice.dest)}",
                    roff(formatter._expand_help(choice)) if choice.help else "",
                )
        else:
            words = formatter._format_action_invocation(action)
            yield from (".TP", f".B {roff(words)}", roff(formatter._expand_help(action)) if action.help else "")
    if parser.prog != "pywall":
        for action in nested:
            for name, each in action.choices.items():
                yield from arguments(each, f"OPTIONS OF {name}")


def roff(text: str) -> str:
    """Text as roff shows it literally."""
    text = re.sub(r"\s*\n\s*\n\s*", "\n.PP\n", text.strip()).replace("\\", r"\e").replace("-", r"\-")
    return re.sub(r"^(['.])(?!PP$)", r"\\&\1", text, flags=re.MULTILINE)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
