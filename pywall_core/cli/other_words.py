"""Commands and options as other programs call them, and ours for each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from ..config import nearest

#: what other programs of the kind call it
_COMMANDS: Final = {
    **dict.fromkeys(("start", "up"), "pywall run, or systemctl start pywall"),
    **dict.fromkeys(("stop", "down", "kill"), "systemctl stop pywall, or Ctrl-C where pywall run was typed"),
    "restart": "pywall reload, or systemctl restart pywall",
    **dict.fromkeys(("log", "logs", "alerts", "tail"), "pywall events --follow"),
    **dict.fromkeys(("ban", "deny", "drop", "reject"), "pywall block ADDRESS --for 1h"),
    "unban": "pywall unblock ADDRESS",
    **dict.fromkeys(("list", "show", "conntrack", "connections"), "pywall flows, pywall rules or pywall set list"),
    **dict.fromkeys(("sets", "ipset"), "pywall set list"),
    **dict.fromkeys(("test", "lint", "validate"), "pywall check FILE"),
    **dict.fromkeys(("monitor", "htop"), "pywall top"),
    **dict.fromkeys(("read", "analyze", "pcap"), "pywall replay CAPTURE"),
    **dict.fromkeys(("live", "sniff", "capture", "listen"), "pywall watch -i DEVICE"),
    **dict.fromkeys(("sql", "select"), "pywall query SQL FILE"),
    **dict.fromkeys(("install", "enable"), "pywall systemd install"),
    "metrics": "the plugin 'metrics' serves them; pywall stats prints counters",
    "help": "pywall --help",
    "version": "pywall --version",
}
#: options of tcpdump and the like: command, option, and what is written instead
_OPTIONS: Final = {
    ("replay", "-r"): "write the capture alone, pywall replay FILE",
    ("replay", "-i"): "a live interface is for pywall watch -i DEVICE",
    ("replay", "-c"): "write --config FILE, or --limit N for so many frames",
    ("replay", "-w"): "write --output FILE for flows, or --write-dropped FILE for packets",
    ("watch", "-r"): "a capture is for pywall replay FILE",
    ("watch", "-c"): "write --count N",
    ("run", "-c"): "write --config FILE",
    ("run", "-d"): "write pywall systemd install for a service",
    ("run", "--daemon"): "write pywall systemd install for a service",
    ("report", "--json"): "pywall replay --json prints the events",
}


def meant_command(typed: str, known: Sequence[str]) -> str:
    """Return what is meant by a command that there is not, as the end of a message; or nothing."""
    return f": write {_COMMANDS[typed]}" if typed in _COMMANDS else nearest(typed, known)


def meant_option(command: str, unknown: Sequence[str], options: Sequence[str]) -> str:
    """Return what is meant by the words that a command does not take, as the end of a message; or nothing."""
    option = unknown[0].partition("=")[0]
    if (command, option) in _OPTIONS:
        return f"; {_OPTIONS[command, option]}"
    if option.startswith("-"):
        return nearest(option, options)
    if len(unknown) == 1 and command in ("watch", "rules"):
        return f"; write pywall {command} {'-i ' if command == 'watch' else ''}{option}"
    return ""
