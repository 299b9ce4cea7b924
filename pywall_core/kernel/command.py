"""Commands of the system: found once by full path, run with an argument list and a clean environment."""

from __future__ import annotations

import os
import stat
import subprocess
from pathlib import Path

_SYSTEM_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class CommandError(Exception):
    """A command is missing, cannot be trusted, failed, or did not end in time; the text is for the user."""


def find(name: str) -> str:
    """Full path of a command on root's PATH or in the system folders.

    :raises CommandError: not found, or it (or its folder) may be written by others
    """
    folders = [*os.environ.get("PATH", "").split(":"), *_SYSTEM_PATH.split(":")]
    for folder in filter(os.path.isabs, folders):
        path = Path(folder, name)
        if path.is_file() and os.access(path, os.X_OK):
            _refuse_writable(path)
            return str(path)
    raise CommandError(f"{name} is not installed (pywall doctor says how)")


def _refuse_writable(path: Path) -> None:
    for place in (path.parent, path):
        if place.stat().st_mode & (stat.S_IWOTH | stat.S_IWGRP) and place.stat().st_gid != 0:
            raise CommandError(f"{path} is not run as root: others may write {place}")
        if place.stat().st_mode & stat.S_IWOTH:
            raise CommandError(f"{path} is not run as root: anybody may write {place}")


def run(argv: list[str], text: str = "", timeout: float = 30.0) -> str:
    """Standard output of a command that is given ``text``; ``timeout`` in seconds.

    The command gets a session of its own: a Ctrl-C at the terminal must not stop it half-way.

    :raises CommandError: with the command's own words
    """
    try:
        done = subprocess.run(  # noqa: S603 - full path, no shell
            argv,
            input=text,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            env={"PATH": _SYSTEM_PATH, "LC_ALL": "C"},
            cwd="/",
            start_new_session=True,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise CommandError(f"{argv[0]} did not end within {timeout:g} s") from None
    except OSError as error:
        raise CommandError(f"{argv[0]}: {error.strerror or error}") from None
    if done.returncode:
        lines = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise CommandError(f"{argv[0]} failed ({done.returncode}): {'; '.join(lines[:4])}")
    return done.stdout
