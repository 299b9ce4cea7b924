"""Spool: records that wait on disk, in order, in append-only segments.

A segment holds a record a line: its ID, a tab, its JSON. The file ``position`` names the first record that the broker
has not taken yet. A segment is deleted when the broker has taken all its records. After a crash some records may be
read twice, none is skipped.
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .record import Record

_SUFFIX: Final = ".spool"
_LARGEST_SEGMENT: Final = 8 << 20
_SMALLEST_SEGMENT: Final = 64 << 10
_CHUNK: Final = 1 << 20


@dataclass(slots=True)
class _Segment:
    number: int
    path: Path
    size: int


class Spool:
    """The spool of one process in ``folder``, of at most ``limit`` bytes.

    :raises BlockingIOError: another process uses the folder
    :raises OSError: the folder cannot be used
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder = folder
        self._limit = limit
        self._segment_bytes = max(_SMALLEST_SEGMENT, min(_LARGEST_SEGMENT, limit // 8))
        #: records that the broker has not taken yet
        self.waiting = 0
        #: records that could not be stored: the spool or the disk was full
        self.lost = 0
        #: records that were cut or overwritten by a crash
        self.damaged = 0
        #: bytes on disk
        self.size = 0
        self._segments: deque[_Segment] = deque()
        self._output = -1
        self._offset = 0
        #: records and damaged lines of the last read, and the position after it
        self._seen = (0, 0, 0, 0)
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._load()
        except OSError:
            os.close(self._lock)
            raise

    def append(self, records: Sequence[Record]) -> None:
        """Store records behind the others; count those that find no room as lost."""
        lines: list[bytes] = []
        size = 0
        for record in records:
            line = b"%s\t%s\n" % (record.id.encode("ascii"), record.body)
            if self.size + size + len(line) > self._limit:
                break  # a later, shorter one must not pass it
            lines.append(line)
            size += len(line)
        if lines and not self._write(b"".join(lines)):
            lines = []
        self.waiting += len(lines)
        self.lost += len(records) - len(lines)

    def read(self, most: int) -> list[Record]:
        """Return the first ``most`` records, or fewer. They stay until :meth:`forget`."""
        found: list[Record] = []
        damaged = 0
        number, offset = 0, self._offset
        for segment in self._segments:
            number = segment.number
            with segment.path.open("rb") as file:
                file.seek(offset)
                while len(found) < most and (line := file.readline()):
                    offset += len(line)
                    head, tab, body = line[:-1].partition(b"\t")
                    if tab and head.isascii() and body[:1] == b"{" and body[-1:] == b"}":
                        found.append(Record(head.decode("ascii"), body))
                    else:
                        damaged += 1
            if len(found) == most:
                break
            if segment is not self._segments[-1]:
                offset = 0
        self._seen = (len(found), damaged, number, offset)
        return found

    def forget(self) -> None:
        """Remove the records of the last :meth:`read`.

        :raises OSError: the position cannot be written; the records are removed all the same, until the next start
        """
        records, damaged, number, self._offset = self._seen
        self._seen = (0, 0, number, self._offset)
        self.waiting -= records + damaged
        self.damaged += damaged
        while self._segments and (self._segments[0].number < number or self.waiting == 0):
            self._remove_first()
        if self._segments:
            self._write_position(number, self._offset)
        else:
            self._offset = 0

    def close(self) -> None:
        """Leave the folder to the next process."""
        self._close_segment()
        os.close(self._lock)

    def _load(self) -> None:
        numbers = sorted(int(path.stem) for path in self._folder.glob("*" + _SUFFIX) if path.stem.isdecimal())
        first, offset = self._read_position()
        self._next = max([first, *numbers]) + 1
        if first not in numbers:
            first = offset = 0
        for number in numbers:
            path = self._path(number)
            if number < first:
                path.unlink()
                continue
            lines, size = self._repair(path, offset if number == first else 0)
            if not lines:
                path.unlink()
                continue
            if not self._segments and number == first:
                self._offset = offset
            self._segments.append(_Segment(number, path, size))
            self.waiting += lines
            self.size += size

    def _repair(self, path: Path, offset: int) -> tuple[int, int]:
        """Cut an unfinished line off; return the number of lines from ``offset`` on, and the size in bytes."""
        lines = size = complete = 0
        with path.open("r+b") as file:
            while chunk := file.read(_CHUNK):
                lines += chunk.count(b"\n", max(0, offset - size))
                last = chunk.rfind(b"\n")
                complete = size + last + 1 if last >= 0 else complete
                size += len(chunk)
            if complete < size:
                file.truncate(complete)
                self.damaged += 1
        return lines, complete

    def _write(self, data: bytes) -> bool:
        """Write all of ``data`` to the disk itself, or nothing; return whether it was written."""
        try:
            if self._output < 0 or self._segments[-1].size >= self._segment_bytes:
                self._open_segment()
            segment = self._segments[-1]
            try:
                done = 0
                while done < len(data):
                    done += os.write(self._output, data[done:])
                os.fdatasync(self._output)
            except OSError:
                os.ftruncate(self._output, segment.size)
                raise
        except OSError:
            return False
        segment.size += len(data)
        self.size += len(data)
        return True

    def _open_segment(self) -> None:
        self._close_segment()
        path = self._path(self._next)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._output = os.open(path, flags, 0o600)
        self._segments.append(_Segment(self._next, path, 0))
        self._next += 1
        folder = os.open(self._folder, os.O_RDONLY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _close_segment(self) -> None:
        if self._output >= 0:
            os.close(self._output)
            self._output = -1

    def _remove_first(self) -> None:
        segment = self._segments.popleft()
        if not self._segments:
            self._close_segment()
        self.size -= segment.size
        segment.path.unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:016d}{_SUFFIX}"

    def _read_position(self) -> tuple[int, int]:
        """Return segment and offset; (0, 0) when there is no readable position: duplicates rather than a loss."""
        try:
            number, offset = (self._folder / "position").read_text().split()
            return int(number), int(offset)
        except (FileNotFoundError, ValueError):
            return 0, 0

    def _write_position(self, number: int, offset: int) -> None:
        new = self._folder / "position.new"
        new.write_text(f"{number} {offset}\n")
        new.replace(self._folder / "position")
