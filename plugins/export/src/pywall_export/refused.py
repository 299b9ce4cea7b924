"""RefusedRecords: what the broker will never take, kept in a file for a person to look at."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from .record import Record

#: bytes of the file at most; what is refused beyond is counted and not kept
MOST_BYTES: Final = 16 << 20


class RefusedRecords:
    """Appends to ``refused.jsonl`` in the folder of the spool, a record a line: its ID, a tab, its JSON."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "refused.jsonl"
        #: records refused since the start, also those that found no room
        self.records = 0

    def add(self, records: Sequence[Record]) -> None:
        """Count records, and keep those for which there is room."""
        self.records += len(records)
        lines = b"".join(b"%s\t%s\n" % (record.id.encode("ascii"), record.body) for record in records)
        with suppress(OSError):  # a full disk must not stop the records behind them
            output = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                if os.fstat(output).st_size + len(lines) <= MOST_BYTES:
                    os.write(output, lines)
            finally:
                os.close(output)
