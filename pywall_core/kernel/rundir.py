"""``/run/pywall/NETNS``, a folder for each network namespace: lock, generation, what the kernel was like before us."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import socket
from pathlib import Path
from typing import Any, Final

from .marks import next_generation

log: Final = logging.getLogger("pywall.kernel")
ROOT: Final = Path("/run/pywall")
#: ``asm-generic/socket.h``; Linux 5.14 and newer
_SO_NETNS_COOKIE: Final = 71
_NAMESPACE: Final = "namespace"
_LOCK: Final = "lock"


class InUseError(Exception):
    """Another instance runs in this network namespace; the text is for the user."""


class RunDir:
    """The folder of the caller's network namespace, named by its inode: the namespaces of a machine share ``/run``.

    An inode is used again when its namespace has gone; what another namespace left is forgotten by :meth:`acquire`. A
    full disk ends nothing: what cannot be written is remembered by this process alone, and that is logged.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self.path = root / str(os.stat("/proc/self/ns/net").st_ino)
        self._lock: int | None = None
        #: texts by file name that the disk did not take
        self._unwritten: dict[str, str] = {}

    @property
    def socket(self) -> Path:
        """The control socket."""
        return self.path / "control.sock"

    def acquire(self) -> None:
        """Be the one instance until the process ends or :meth:`release`.

        :raises InUseError: there is another one
        """
        for folder in (self.path.parent, self.path):
            folder.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(lock, 20, 0).decode(errors="replace").strip()
            os.close(lock)
            raise InUseError(f"pywall already runs in this network namespace (process {pid or 'unknown'})") from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock
        self._forget_other_namespace()

    def _forget_other_namespace(self) -> None:
        ours = _namespace_cookie()
        try:
            known = self._read(_NAMESPACE).strip()
        except OSError:
            known = ""
        if ours in ("", known):
            return
        for left in self.path.iterdir():
            if left.name != _LOCK:
                left.unlink(missing_ok=True)
        self._write(_NAMESPACE, ours)

    def release(self) -> None:
        """Let others start."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def next_generation(self) -> int:
        """Return a generation number that the last run did not use, remembered before it is used."""
        try:
            last = int(self._read("generation"))
        except (OSError, ValueError):
            last = 0
        number = next_generation(last if 0 <= last <= 255 else 0)
        self._write("generation", str(number))
        return number

    def remember(self, name: str, value: Any) -> None:
        """Keep a small JSON value across kill -9."""
        self._write(f"{name}.json", json.dumps(value))

    def recall(self, name: str) -> Any:
        """Return what :meth:`remember` kept, or None."""
        try:
            return json.loads(self._read(f"{name}.json"))
        except (OSError, ValueError, RecursionError):
            return None

    def forget(self, name: str) -> None:
        """Drop what was kept."""
        self._unwritten.pop(f"{name}.json", None)
        (self.path / f"{name}.json").unlink(missing_ok=True)

    @property
    def handover(self) -> Path:
        """What is known of live flows, for the next start."""
        return self.path / "handover.jsonl"

    def _read(self, name: str) -> str:
        unwritten = self._unwritten.get(name)
        return (self.path / name).read_text() if unwritten is None else unwritten

    def _write(self, name: str, text: str) -> None:
        temporary = self.path / f".{name}"
        try:
            temporary.touch(mode=0o600)
            temporary.write_text(text + "\n")
            temporary.replace(self.path / name)
            self._unwritten.pop(name, None)
        except OSError as error:
            if name not in self._unwritten:
                log.error("%s is not written, and lost if this process is killed: %s", self.path / name, error.strerror)
            self._unwritten[name] = text
            temporary.unlink(missing_ok=True)


def _namespace_cookie() -> str:
    """Return what no other network namespace is called until the next boot, empty where the kernel does not say."""
    with socket.socket(socket.AF_UNIX) as any_socket:
        try:
            return any_socket.getsockopt(socket.SOL_SOCKET, _SO_NETNS_COOKIE, 8).hex()
        except OSError:
            return ""
