"""``pywall systemd``: the unit file that runs the firewall as a hardened service."""

from __future__ import annotations

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import Final

from .common import FAILURE, OK, PRIVILEGES, complain, error_text

UNIT: Final = Path("/etc/systemd/system/pywall.service")
CONFIG: Final = "/etc/pywall/pywall.yaml"


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "systemd",
        help="print, install or uninstall a systemd unit",
        description="A unit with watchdog, clean-up and hardening. `install` writes it, starting is left to systemctl; "
        "`uninstall` removes what `install` wrote.",
    )
    parser.add_argument(
        "what",
        choices=["print", "install", "uninstall"],
        help="to standard output, into /etc/systemd/system, or out of there",
    )
    parser.add_argument("--config", default=CONFIG, metavar="FILE", help=f"configuration of the service ({CONFIG})")
    parser.add_argument("--iptables", choices=["nft", "legacy"], help="have the service use this build of iptables")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    if args.what == "uninstall":
        return _uninstall()
    command = shutil.which("pywall", path=os.path.dirname(sys.executable)) or shutil.which("pywall")
    if command is None:
        complain("the command pywall is not on the PATH")
        return FAILURE
    text = unit(os.path.abspath(command), args.config, args.iptables)
    if args.what == "print":
        print(text, end="")
        return OK
    try:
        UNIT.write_text(text)
        UNIT.chmod(0o644)
    except PermissionError as error:
        complain(f"not permitted: {error_text(error)}")
        return PRIVILEGES
    warnings = list(_obstacles(os.path.abspath(command), args.config))
    for line in warnings:
        complain(f"warning: {line}")
    print(f"{UNIT} written; {'then' if warnings else 'now'}: systemctl daemon-reload && systemctl enable --now pywall")
    return OK


def _uninstall() -> int:
    try:
        UNIT.unlink()
    except FileNotFoundError:
        complain(f"{UNIT}: there is none")
        return FAILURE
    except PermissionError as error:
        complain(f"not permitted: {error_text(error)}")
        return PRIVILEGES
    print(f"{UNIT} removed; now: systemctl disable --now pywall && systemctl daemon-reload")
    return OK


def _obstacles(command: str, config: str) -> Iterator[str]:
    """Yield what would keep the service from its start."""
    if not config.startswith("policy:") and not Path(config).exists():
        folder = Path(config).parent
        made = "" if folder.exists() else f"mkdir {folder} && "
        yield f"there is no {config} yet: {made}pywall init {config}"
    for path in (command, config):
        if path.startswith(("/tmp/", "/var/tmp/")):  # noqa: S108 - what the unit's PrivateTmp hides
            yield f"the service has a /tmp of its own and cannot see {path}"


def unit(command: str, config: str, iptables: str | None) -> str:
    """Return the unit file for the command at a path, with a configuration file or ``policy:NAME``.

    A plugin with a helper process needs what that may read. A Python below /home or /root has to be readable by the
    service.
    """
    if not config.startswith("policy:"):
        config = os.path.abspath(config)
    values = {
        "PYWALL": _quoted(command),
        "CONFIG": _quoted(config),
        "SYSCTL": shutil.which("sysctl", path="/usr/sbin:/sbin:/usr/bin") or "/usr/sbin/sysctl",
        "EXTRA_CAPABILITIES": _helper_capabilities(),
        "PROTECT_HOME": "read-only" if _in_home(command, config, os.path.realpath(sys.executable)) else "yes",
    }
    text = resources.files("pywall_core.kernel").joinpath("pywall.service").read_text(encoding="utf-8")
    for name, value in values.items():
        text = text.replace(f"@{name}@", value)
    if iptables is not None:
        text = text.replace("Environment=", f"Environment=PYWALL_IPTABLES={iptables} ")
    return text


def _helper_capabilities() -> str:
    """Return what the helper processes of installed plugins need; a reload may be the first to name one."""
    from ..plugins.helpers import are_helpers_installed

    return " CAP_SYS_PTRACE CAP_DAC_READ_SEARCH" if are_helpers_installed() else ""


def _in_home(*paths: str) -> bool:
    return any(path.startswith(("/home/", "/root/", "/run/user/")) for path in paths)


def _quoted(word: str) -> str:
    """Return one word of an Exec line, systemd.service(5): ``%`` and ``$`` are doubled, others quoted where needed."""
    word = word.replace("%", "%%").replace("$", "$$")
    if re.search(r"[\s\"'\\;]", word):
        word = '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return word
