"""The command ``pywall``: one module a subcommand, loaded when it is typed.

A module has ``add(subparsers)``, which adds its parser and sets ``run``, a function of the parsed arguments that
returns the exit code. Plugins bring subcommands by the entry-point group ``pywall.commands``: the entry point is a
function ``command(parser)``, which describes itself on an argparse parser and sets ``run`` there in the same way.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from typing import Final

from .. import __version__
from ..installed import entry_points
from ..stale import stale_modules
from .common import CONFIGURATION, FAILURE, INTERRUPTED, PLUGIN, PRIVILEGES, USAGE, complain, complain_about, error_text

#: Subcommands in the order of the help text, and the modules that hold them.
COMMANDS: Final = {
    "demo": "demo",
    "run": "run",
    "replay": "replay",
    "explain": "explain",
    "query": "query",
    "watch": "watch",
    "verify": "verify",
    "check": "check",
    "init": "init",
    "convert": "convert",
    "plugins": "plugins",
    "rules": "rules",
    "status": "status",
    "flows": "flows",
    "events": "events",
    "why": "why",
    "stats": "stats",
    "set": "set",
    "block": "block",
    "allow": "allow",
    "unblock": "unblock",
    "reload": "reload",
    "confirm": "confirm",
    "cleanup": "cleanup",
    "doctor": "doctor",
    "systemd": "systemd",
    "completion": "completion",
}
GROUP: Final = "pywall.commands"


def main(argv: Sequence[str] | None = None, *, ready: Callable[[], object] = lambda: None) -> int:
    """Run one command line; the exit code: 0 ok, 1 failure, 2 usage, 3 configuration, 4 plugin, 5 privileges.

    ``ready`` is called when everything is loaded, before the command begins.
    """
    arguments = ["plugins" if word == "--plugins" else word for word in (sys.argv[1:] if argv is None else argv)]
    _mend_streams()
    try:
        _warn_of_stale_modules()
        try:
            code = _run(arguments, ready)
        except SystemExit as leaving:  # argparse
            code = leaving.code if isinstance(leaving.code, int) else FAILURE
        if sys.stdout is not None:
            sys.stdout.flush()  # what fails at exit, as on a full disk, Python says in its own words
        return code
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return FAILURE
    except Exception as error:
        if isinstance(error.__cause__, KeyboardInterrupt):  # a class that was being made: Python wraps what is raised
            return INTERRUPTED
        if os.environ.get("PYWALL_DEBUG"):
            raise
        code = _answer(error)
        if isinstance(error, OSError):
            _drop_output()
        return code


def _drop_output() -> None:
    """Discard what is left for a standard output that takes nothing any more: Python flushes it once more at exit."""
    try:
        sys.stdout.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def _mend_streams() -> None:
    """Give a process the standard streams that it was started without (``>&-``), and those of an old locale a way to
    show any character.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115 - for as long as the process lives
        elif mode == "w" and isinstance(stream, io.TextIOWrapper) and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def _warn_of_stale_modules() -> None:
    if stale := stale_modules():
        names = ", ".join(module.name for module in stale[:3]) + (", ..." if len(stale) > 3 else "")
        complain(
            f"warning: {len(stale)} compiled modules are older than their sources, and the old code runs ({names}); "
            "run `make compiled`, or set PYWALL_PURE=1 to run the sources"
        )


def _run(arguments: list[str], ready: Callable[[], object]) -> int:
    parser, subparsers = _bare_parser()
    typed = next((word for word in arguments if not word.startswith("-")), "")
    if typed in COMMANDS:
        _add(subparsers, typed)
    elif (point := _from_plugins().get(typed)) is not None:
        _load(point)(subparsers.add_parser(typed, help=f"by {point.value}"))
    else:
        if typed:
            from .other_words import meant_command

            hint = meant_command(typed, [*COMMANDS, *_from_plugins()])
            complain(f"pywall: no command {typed!r}{hint} (pywall --help lists them)")
            return USAGE
        from .command_purpose import purpose

        for name in COMMANDS:
            _add(subparsers, name)
        for name, point in _from_plugins().items():
            subparsers.add_parser(name, help=f"{purpose(point)} (plugin {point.dist.name if point.dist else '?'})")
    args, unknown = parser.parse_known_args(arguments)
    if unknown:
        _refuse(unknown, subparsers.choices.get(typed, parser))
    ready()
    code = args.run(args)
    return code if isinstance(code, int) else 0


def _refuse(unknown: list[str], parser: argparse.ArgumentParser) -> None:
    """Leave with the usage of the command that was typed, and the nearest of its options."""
    from .other_words import meant_option

    options = [option for action in parser._actions for option in action.option_strings if len(option) > 2]
    hint = meant_option(parser.prog.rpartition(" ")[2], unknown, options)
    parser.error(f"unrecognized arguments: {' '.join(unknown)}{hint}")


def whole_parser() -> argparse.ArgumentParser:
    """Return the parser with every subcommand and its arguments, those of installed plugins too."""
    from .command_purpose import purpose

    parser, subparsers = _bare_parser()
    for name in COMMANDS:
        _add(subparsers, name)
    for name, point in _from_plugins().items():
        _load(point)(subparsers.add_parser(name, help=purpose(point)))
    return parser


def _bare_parser() -> tuple[argparse.ArgumentParser, argparse._SubParsersAction[argparse.ArgumentParser]]:
    parser = argparse.ArgumentParser(
        prog="pywall",
        description="A firewall framework for Linux with plugins.",
        epilog="`pywall --plugins list` is the same as `pywall plugins list`. Exit codes: 0 ok, 1 failure, 2 usage, "
        "3 configuration, 4 plugin, 5 privileges.",
    )
    parser.add_argument("--version", action="version", version=f"pywall {__version__}")
    return parser, parser.add_subparsers(title="commands", metavar="COMMAND", required=True)


def _add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser], name: str) -> None:
    module = f"{__name__}.{COMMANDS[name]}"
    try:
        importlib.import_module(module).add(subparsers)
    except ModuleNotFoundError as error:
        if error.name != module:
            raise


def _from_plugins() -> dict[str, EntryPoint]:
    """Subcommands of installed plugins, none of them imported."""
    return {point.name: point for point in sorted(entry_points(group=GROUP)) if point.name not in COMMANDS}


def _load(point: EntryPoint) -> Callable[[argparse.ArgumentParser], None]:
    from ..plugins.discovery import PluginError
    from ..plugins.safety import unsafe_files

    others = [other for other in entry_points(group=GROUP, name=point.name) if other.value != point.value]
    errors = unsafe_files(point)
    if others:
        errors.append(f"command {point.name!r} is claimed by {point.value} and {others[0].value}; uninstall one")
    if errors:
        raise PluginError(errors)
    try:
        command: Callable[[argparse.ArgumentParser], None] = point.load()
    except Exception as error:
        raise PluginError([f"command {point.name!r} can't be imported: {type(error).__name__}: {error}"]) from error
    return command


def _answer(error: Exception) -> int:
    """Return one or more lines on standard error, and the exit code, for what ended a command."""
    from ..config import ConfigError
    from ..plugins.discovery import PluginError

    if isinstance(error, ConfigError):
        for problem in error.problems:
            complain_about(problem)
        return CONFIGURATION
    if isinstance(error, PluginError):
        for line in error.errors:
            complain(line)
        return PLUGIN
    if isinstance(error, PermissionError):
        complain(f"not permitted: {error_text(error)}")
        return PRIVILEGES
    if isinstance(error, OSError):
        complain(error_text(error))
        return FAILURE
    complain(f"internal error: {type(error).__name__}: {error} (PYWALL_DEBUG=1 shows where)")
    return FAILURE
