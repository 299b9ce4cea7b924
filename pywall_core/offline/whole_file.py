"""WholeFile: a file that is there whole or not at all; what was there before stays until then."""

from __future__ import annotations

import os
import secrets
from contextlib import suppress
from pathlib import Path


class WholeFile:
    """Names a file beside ``path``, to be written and then put in its place by :meth:`publish`.

    A name that is no regular file (a pipe, ``/dev/full``) is written itself: ``part`` is ``path`` then.

    :raises OSError: there is no such folder, ``path`` is a folder, or nothing can be written there
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(os.path.realpath(path))
        is_special = self._path.exists() and not self._path.is_file()
        #: where to write
        self.part = self._path if is_special else self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")
        if self._path.is_dir():
            raise IsADirectoryError(21, "Is a directory", str(path))
        try:
            os.close(os.open(self.part, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))
        except OSError as error:
            raise type(error)(error.errno, error.strerror, str(path)) from None

    def publish(self) -> None:
        """Put the file in its place; one that was there keeps its access rights.

        :raises OSError: it cannot be put there
        """
        if self.part != self._path:
            with suppress(FileNotFoundError):
                self.part.chmod(self._path.stat().st_mode & 0o777)
            self.part.replace(self._path)

    def discard(self) -> None:
        """Remove what was written so far."""
        if self.part != self._path:
            self.part.unlink(missing_ok=True)
