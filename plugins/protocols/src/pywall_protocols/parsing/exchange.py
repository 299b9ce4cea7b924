"""Former home of the shapes of detectors, which are in :mod:`.evidence`."""

from __future__ import annotations

from .evidence import Check, by_beacon, by_datagram, by_message, by_request, by_stream
from .evidence import Evidence as Said

__all__ = ["Check", "Said", "by_beacon", "by_datagram", "by_message", "by_request", "by_stream"]
