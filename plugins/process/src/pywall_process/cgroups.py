"""What a cgroup's path says: systemd's unit, a user's own unit, a container. And paths by the kernel's numbers.

A user may name cgroups below their own ``user@UID.service`` as they like: what is there is never a unit of the
system, nor a container. systemd.special(7), cgroups(7); names of containers as Docker, Podman, CRI-O and Kubernetes
give them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from time import monotonic
from typing import Final, NamedTuple

_UNIT: Final = re.compile(r"[^/]+\.(?:service|scope|socket|mount|swap)$")
_CONTAINER: Final = re.compile(r"(?:^|[-/:])([0-9a-f]{64})(?:\.scope|$)")
_LXC: Final = re.compile(r"^lxc(?:\.payload)?[./]([\w.-]+)")
#: cgroups of one machine whose names are kept
_MOST: Final = 65_536
#: seconds before the tree is walked again for a number that was not in it
_PAUSE: Final = 1.0


class Place(NamedTuple):
    """What a path says; empty where it says nothing."""

    unit: str = ""
    user_unit: str = ""
    container: str = ""


def place_of(path: str) -> Place:
    """Return what the path of a cgroup says, as ``/system.slice/nginx.service``."""
    parts = path.strip("/").split("/")
    unit = user_unit = container = ""
    for part in parts:
        if _UNIT.match(part):
            if not unit:
                unit = part
            elif unit.startswith("user@"):
                user_unit = part
    if not unit.startswith("user@"):
        for part in reversed(parts):
            found = _CONTAINER.search(part)
            if found:
                container = found[1]
                break
        else:
            lxc = _LXC.match(path.strip("/"))
            container = lxc[1] if lxc else ""
    return Place(unit, user_unit, container)


def hierarchy() -> Path | None:
    """Return where the hierarchy of cgroup v2 is mounted, None where it is not."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    for line in lines:
        mount, _, source = line.partition(" - ")
        if source.startswith("cgroup2 "):
            return Path(mount.split()[4])
    return None


class CgroupPaths:
    """Paths of cgroups by their numbers, which are the inodes of their folders."""

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self._paths: dict[int, str] = {}
        self._again = 0.0

    def path(self, number: int) -> str | None:
        """Return a path from the root on, None where there is no such cgroup (any more)."""
        if number == 0 or self.root is None:
            return None
        known = self._paths.get(number)
        if known is not None and _inode(self.root, known) == number:
            return known
        if monotonic() < self._again:
            return None
        self._walk(self.root)
        if number not in self._paths:
            self._again = monotonic() + _PAUSE
        return self._paths.get(number)

    def processes(self, number: int) -> list[int]:
        """Return the process ids in a cgroup; none for the root, which holds whatever nobody has sorted."""
        path = self.path(number)
        if path is None or path == "/" or self.root is None:
            return []
        try:
            return [int(line) for line in (self.root / path.lstrip("/") / "cgroup.procs").read_text().split()]
        except (OSError, ValueError):
            return []

    def _walk(self, root: Path) -> None:
        self._paths.clear()
        for folder, folders, _ in os.walk(root):
            path = "/" + os.path.relpath(folder, root).removeprefix(".")
            inode = _inode(root, path)
            if inode is not None:
                self._paths[inode] = path
            folders.sort()
            if len(self._paths) >= _MOST:
                return


def _inode(root: Path, path: str) -> int | None:
    try:
        return os.stat(root / path.lstrip("/")).st_ino
    except OSError:
        return None
