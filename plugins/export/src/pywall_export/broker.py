"""Broker: what takes records away, and what it raises."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from .record import Record


class BrokerError(Exception):
    """The broker did not take the records, or it is not known whether it did. They are sent again."""


class RefusedError(Exception):
    """The broker will not take one of the records as it is, now or later: it is too large, or cannot be read there.
    Others may have been taken. The sender looks for the one and sets it aside.
    """


class Broker(Protocol):
    """A connection to a broker. It is opened at need; all methods are called in one thread."""

    def send(self, records: Sequence[Record]) -> None:
        """Send records in order; return when the broker has confirmed all.

        :raises BrokerError: not all are confirmed
        :raises RefusedError: not all are confirmed, and one of them never will be
        """

    def close(self) -> None:
        """Close the connection."""
