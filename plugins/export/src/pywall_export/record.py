"""One event on its way to a broker."""

from __future__ import annotations

from typing import NamedTuple


class Record(NamedTuple):
    """An encoded event.

    ``id`` is the same whenever the record is sent again, and no other record has it: consumers know duplicates by it.
    ``body`` is one JSON object (RFC 8259) in ASCII, without line breaks.
    """

    id: str
    body: bytes
