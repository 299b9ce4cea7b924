"""ProcessIndex: which process has a socket open. Looks through ``/proc/PID/fd``, the likeliest processes first."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from typing import Final

from .cgroups import CgroupPaths
from .sock_diag import Owner

#: processes that had sockets asked for, which are looked at first
_RECENT: Final = 64
#: youngest processes, which are looked at before these
_YOUNGEST: Final = 8
#: sockets whose process is remembered
_MOST_KNOWN: Final = 65_536


class ProcessIndex:
    """Finds processes by the inodes of their sockets.

    Several processes may have one socket open; the first that is found is named.
    """

    def __init__(self, cgroups: CgroupPaths, proc: str = "/proc") -> None:
        self._cgroups = cgroups
        self._proc = proc
        #: socket -> process that had it open when it was looked at last
        self._known: dict[int, int] = {}
        self._recent: dict[int, None] = {}
        #: processes that were looked through, for those who measure
        self.scanned = 0

    def find(self, owners: Iterable[Owner]) -> dict[int, int]:
        """Return the process id for each socket's inode; sockets that no process has open are left out."""
        wanted = {owner.inode: owner for owner in owners if owner.inode}
        found: dict[int, int] = {}
        tried: set[int] = set()
        for pid in self._likely(wanted):
            if pid in tried:
                continue
            tried.add(pid)
            self.scanned += 1
            for inode in self._sockets(pid):
                if inode in wanted:
                    del wanted[inode]
                    found[inode] = pid
            if not wanted:
                break
        for inode, pid in found.items():
            self._remember(inode, pid)
        return found

    def _likely(self, wanted: dict[int, Owner]) -> Iterator[int]:
        """Yield process ids until ``wanted`` is empty: of the same socket before, of the same cgroup, just begun, of
        late, of the same user, all others; the youngest first."""
        for inode in list(wanted):
            pid = self._known.get(inode)
            if pid is not None:
                yield pid
        for cgroup in {owner.cgroup for owner in wanted.values()}:
            yield from reversed(self._cgroups.processes(cgroup))
        pids = self._processes()
        yield from pids[:_YOUNGEST]
        yield from self._recent.keys() & set(pids)
        users = {owner.uid for owner in wanted.values()}
        others: list[int] = []
        for pid in pids:
            if self._user(pid) in users:
                yield pid
            else:
                others.append(pid)
        yield from others

    def _processes(self) -> list[int]:
        """Return all process ids, the youngest first: numbers go up to the last one given, then begin again."""
        pids = sorted((int(name) for name in os.listdir(self._proc) if name.isdigit()), reverse=True)
        try:
            with open(f"{self._proc}/loadavg", encoding="ascii") as file:
                last = int(file.read().split()[-1])
        except (OSError, ValueError, IndexError):
            return pids
        return [pid for pid in pids if pid <= last] + [pid for pid in pids if pid > last]

    def _user(self, pid: int) -> int:
        try:
            return os.stat(f"{self._proc}/{pid}").st_uid
        except OSError:
            return -1

    def _sockets(self, pid: int) -> Iterator[int]:
        """Yield the inodes of the process's open sockets; none where it has gone, or may not be looked into."""
        folder = f"{self._proc}/{pid}/fd"
        with contextlib.suppress(OSError):
            for name in os.listdir(folder):
                try:
                    target = os.readlink(f"{folder}/{name}")
                except OSError:
                    continue
                if target.startswith("socket:["):
                    yield int(target[8:-1])

    def _remember(self, inode: int, pid: int) -> None:
        if len(self._known) >= _MOST_KNOWN:
            del self._known[next(iter(self._known))]
        self._known[inode] = pid
        self._recent.pop(pid, None)
        self._recent[pid] = None
        if len(self._recent) > _RECENT:
            del self._recent[next(iter(self._recent))]
