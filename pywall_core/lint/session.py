"""The SSH session that the administrator sits in: would this policy cut it?"""

from __future__ import annotations

import os
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..config import Config
from ..model.packet import INPUT, OUTPUT, TCP
from .traffic import Trial, quiet_engine

if TYPE_CHECKING:
    from ..plugins.registry import Plugins

_VARIABLE: Final = "SSH_CONNECTION"
_ANCESTORS: Final = 32


def lint_session(config: Config, plugins: Plugins) -> None:
    """Note that new SSH connections from where this one comes would be dropped."""
    ends = ssh_connection()
    if ends is None or config.mode == "observe":
        return
    trial = Trial(config, quiet_engine(config, plugins))
    for known in (False, True):
        flow = trial.flow(INPUT, TCP, ends)
        if known:
            state = flow.detection
            state.app_proto, state.confirmed, state.done = "ssh", True, True
        for hook, to_server in ((INPUT, True), (OUTPUT, False)):
            denied = trial.denial(flow, to_server=to_server, hook=hook)
            if denied is not None:
                source, port = ip_address(ends[0]), ends[3]
                message = f"SSH from {source} to port {port}, as in this session, would be dropped"
                config.warn(trial.place(denied, hook), "W022", message)
                return


def ssh_connection() -> tuple[bytes, int, bytes, int] | None:
    """Client's and server's address and port of the SSH session that this process or one above it runs in, if any.

    ``sudo`` takes the variable away, so that the processes above are asked as well.
    """
    text = os.environ.get(_VARIABLE, "")
    process = os.getppid()
    for _ in range(_ANCESTORS):
        if text or process <= 1:
            break
        text, process = _of_process(process)
    fields = text.split()
    if len(fields) != 4:
        return None
    try:
        client, server = (ip_address(fields[at].partition("%")[0]).packed for at in (0, 2))
        return client, int(fields[1]), server, int(fields[3])
    except ValueError:
        return None


def _of_process(number: int) -> tuple[str, int]:
    """Its variable, and its parent's number."""
    folder = Path(f"/proc/{number}")
    try:
        environment = dict(
            entry.partition(b"=")[::2] for entry in (folder / "environ").read_bytes().split(b"\0") if b"=" in entry
        )
        parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError, IndexError):
        return "", 0
    return environment.get(_VARIABLE.encode(), b"").decode(errors="replace"), parent
