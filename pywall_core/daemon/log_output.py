"""LogOutput: log lines on standard error that never wait. A full pipe that nobody reads loses lines, nothing more."""

from __future__ import annotations

import logging
import os
import select
from typing import Final

#: bytes of one line at most: a pipe with room for PIPE_BUF (pipe(7)) takes them at once
_LONGEST: Final = select.PIPE_BUF
_STDERR: Final = 2


class LogOutput(logging.Handler):
    """Writes to the descriptor 2 when it has room, and counts what it had none for."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(logging.Formatter("pywall: %(message)s"))
        #: lines that were lost
        self.lost = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or lose it."""
        poller = select.poll()
        poller.register(_STDERR, select.POLLOUT)
        try:
            line = self.format(record).encode("utf-8", "replace")[: _LONGEST - 1] + b"\n"
            if any(event & select.POLLOUT for _, event in poller.poll(0)):
                os.write(_STDERR, line)
            else:
                self.lost += 1
        except (OSError, ValueError, TypeError):
            self.lost += 1


def log_to_stderr(level: int) -> None:
    """Have all log lines from ``level`` on go to standard error."""
    logging.basicConfig(level=level, handlers=[LogOutput()])
