"""What a process says of itself in ``/proc/PID``, and how much of that to believe: proc(5), namespaces(7)."""

from __future__ import annotations

import os
from typing import Any, Final

from .cgroups import place_of

_DELETED: Final = " (deleted)"
#: characters of a command line that are kept
MAX_COMMAND: Final = 1024
_READ: Final = 4096


def describe_process(pid: int, proc: str = "/proc") -> dict[str, Any]:
    """Return the facts of a process, without those that are not known; empty when it has gone.

    ``path`` is the program's file on this machine. A process in a mount namespace of its own (a container, or a user's
    ``unshare``) can show any name for its program: unless that is the same file here, its name is ``inner_path``.
    """
    folder = f"{proc}/{pid}"
    facts: dict[str, Any] = {"pid": pid}
    program = _program(folder, proc)
    if program is not None:
        facts[program[0]] = program[1]
    name, parent = _status(folder)
    if name is None:
        return {}
    facts["name"] = name
    command = _text(f"{folder}/cmdline").rstrip("\0").replace("\0", " ")[:MAX_COMMAND]
    if command:
        facts["command"] = command
    if parent:
        program = _program(f"{proc}/{parent}", proc)
        if program is not None and program[0] == "path":
            facts["parent"] = program[1]
    cgroup = _cgroup(folder)
    if cgroup:
        facts.update(describe_cgroup(cgroup))
    return facts


def describe_cgroup(path: str) -> dict[str, str]:
    """Return the facts of a cgroup by its path."""
    found = {"cgroup": path, **place_of(path)._asdict()}
    return {name: value for name, value in found.items() if value}


def _program(folder: str, proc: str) -> tuple[str, str] | None:
    """Return ("path" or "inner_path", file name), None for a thread of the kernel or a process that has gone."""
    try:
        link = os.readlink(f"{folder}/exe")
    except OSError:
        return None
    path = link.removesuffix(_DELETED)
    mounts, users = _namespace(folder, "mnt"), _namespace(folder, "user")
    ours = (f"{proc}/self", f"{proc}/1")  # a service may see less of the machine than its first process does
    if mounts and mounts in [_namespace(process, "mnt") for process in ours]:
        return "path", path
    if link != path:  # its file was replaced, as by an update: the name is kept, if only root can have made its mounts
        trusted = bool(users) and users == _namespace(ours[0], "user") and not place_of(_cgroup(folder)).container
        return ("path" if trusted else "inner_path"), path
    same = _file(f"{folder}/exe") in [_file(f"{process}/root{path}") or () for process in ours]
    return ("path" if same else "inner_path"), path


def _file(path: str) -> tuple[int, int] | None:
    """Return what tells a file from all others."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _namespace(folder: str, kind: str) -> str:
    try:
        return os.readlink(f"{folder}/ns/{kind}")
    except OSError:
        return ""


def _status(folder: str) -> tuple[str | None, int]:
    """Return the process's short name and its parent's id."""
    stat = _text(f"{folder}/stat")
    name, _, rest = stat.partition("(")[2].rpartition(")")
    fields = rest.split()
    return (name, int(fields[1])) if len(fields) > 1 and fields[1].isdigit() else (None, 0)


def _cgroup(folder: str) -> str:
    """Return the cgroup's path: that of version 2, or where all are in its root, that of systemd's own hierarchy."""
    found = ""
    for line in _text(f"{folder}/cgroup").splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if (controllers == "" and path != "/") or (controllers == "name=systemd" and not found):
            found = path
    return found


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            return file.read(_READ).decode("utf-8", "replace")
    except OSError:
        return ""
