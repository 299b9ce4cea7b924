"""``/run/pywall/NETNS``, a folder for each network namespace: lock, generation, what the kernel was like before us."""

from __future__ import annotations

import fcntl
import json
import os
from pathlib import Path
from typing import Any, Final

from .marks import next_generation

ROOT: Final = Path("/run/pywall")


class InUseError(Exception):
    """Another instance runs in this network namespace; the text is for the user."""


class RunDir:
    """The folder of the caller's network namespace, named by its inode: the namespaces of a machine share ``/run``."""

    def __init__(self, root: Path = ROOT) -> None:
        self.path = root / str(os.stat("/proc/self/ns/net").st_ino)
        self._lock: int | None = None

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
        lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(lock, 20, 0).decode(errors="replace").strip()
            os.close(lock)
            raise InUseError(f"pywall already runs in this network namespace (process {pid or 'unknown'})") from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, f"{os.getpid()}\n".encode(), 0)
        self._lock = lock

    def release(self) -> None:
        """Let others start."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def next_generation(self) -> int:
        """Return a generation number that the last run did not use, remembered before it is used."""
        try:
            last = int((self.path / "generation").read_text())
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
            return json.loads((self.path / f"{name}.json").read_text())
        except (OSError, ValueError):
            return None

    def forget(self, name: str) -> None:
        """Drop what was kept."""
        (self.path / f"{name}.json").unlink(missing_ok=True)

    @property
    def handover(self) -> Path:
        """What is known of live flows, for the next start."""
        return self.path / "handover.jsonl"

    def _write(self, name: str, text: str) -> None:
        temporary = self.path / f".{name}"
        temporary.touch(mode=0o600)
        temporary.write_text(text + "\n")
        temporary.replace(self.path / name)
