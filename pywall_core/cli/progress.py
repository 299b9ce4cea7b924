"""A bar on standard error while captures are read, which stays out of the way of what is printed.

What goes to standard output is never touched: it may be a file while standard error is a terminal. Where both are, a
bar that is shown is erased before a line is printed, and comes back with the next packets.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TextIO, cast

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Bar:
    """Progress on standard error, when that is a terminal and rich is installed; without ``progress`` nothing."""

    def __init__(self, progress: Progress | None = None, task: TaskID | None = None) -> None:
        self._progress = progress
        self._task = task
        self._packets = 0

    def packets(self, n: int) -> None:
        """Count packets."""
        self._packets += n
        if self._progress is not None and self._task is not None:
            self._progress.start()
            self._progress.update(self._task, packets=self._packets)

    def captures(self, n: int) -> None:
        """Count captures that are done."""
        if self._progress is not None and self._task is not None:
            self._progress.advance(self._task, n)

    def hide(self) -> None:
        """Erase the bar until the next packets."""
        if self._progress is not None:
            self._progress.stop()


class _Printing:
    """A stream on the bar's terminal: hides the bar before it writes."""

    def __init__(self, stream: TextIO, bar: Bar) -> None:
        self._stream = stream
        self._bar = bar

    def write(self, text: str) -> int:
        self._bar.hide()
        return self._stream.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def progress_bar(total: int) -> Iterator[Bar]:
    """Show a bar over ``total`` captures."""
    if not sys.stderr.isatty():
        yield Bar()
        return
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    except ImportError:
        yield Bar()
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("captures, {task.fields[packets]} packets"),
        TimeElapsedColumn(),
    )
    console = Console(file=sys.stderr)
    progress = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    bar = Bar(progress, progress.add_task("replay", total=total, packets=0))
    streams = sys.stdout, sys.stderr
    try:
        sys.stderr = cast(TextIO, _Printing(streams[1], bar))
        if streams[0].isatty():
            sys.stdout = cast(TextIO, _Printing(streams[0], bar))
        yield bar
    finally:
        bar.hide()
        sys.stdout, sys.stderr = streams
