"""``pywall completion``: a script that completes pywall's commands and options in a shell."""

from __future__ import annotations

import argparse

from .common import FAILURE, OK, complain

SHELLS = ("bash", "zsh", "fish")


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "completion",
        help="print a shell's completion script",
        description="Print what completes pywall's commands and options, those of installed plugins too. For bash: "
        "pywall completion bash > ~/.local/share/bash-completion/completions/pywall",
    )
    parser.add_argument("shell", choices=SHELLS, help="the shell that reads the script")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    from . import whole_parser

    try:
        import shtab
    except ImportError:
        complain("completion needs shtab, which is not installed: pip install shtab")
        return FAILURE
    print(shtab.complete(whole_parser(), args.shell))
    return OK
