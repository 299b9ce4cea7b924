"""An opening that the other end sends back with one byte changed: what detectors must not take for an answer."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator
from typing import Any

from ..calls.guard import Guard
from ..calls.quarantine import Failures
from ..detection.detection import Detection
from ..detection.detectors import Detector, Detectors
from ..model.packet import TCP, UDP
from .arrivals import BUDGET
from .cuts import Detect, Turns
from .flows import make_flow

#: places that are tried, from the start and through the rest of an opening, and how a byte is changed there
_FIRST = 40
_MORE = 8
_CHANGES = (0x01, 0x80, 0x55)


def confirming_places(detector: Any, detect: Detect, carrier: str, opening: Turns) -> list[int]:
    """Return the places of an opening's first message at which one byte has to be changed for the core to confirm the
    name when the other side sends it back.

    What tells an answer from a request is such a place. All others say nothing.
    """
    to_server, message = opening[0]
    found = []
    for place in _places(len(message)):
        for change in _CHANGES:
            copy = message[:place] + bytes([message[place] ^ change]) + message[place + 1 :]
            if _is_confirmed(detector, detect, carrier, [*opening, (not to_server, copy)]):
                found.append(place)
                break
    return found


def _places(size: int) -> Iterator[int]:
    yield from range(min(size, _FIRST))
    yield from range(_FIRST, size, max(1, (size - _FIRST) // _MORE))


def _is_confirmed(detector: Any, detect: Detect, carrier: str, turns: Turns) -> bool:
    """Ask as the core does, which knows copies."""
    guard = Guard(Failures(logging.getLogger(__name__)), Counter(), lambda plugin: None)
    names = tuple(getattr(detector, "protocols", ("",)))
    detection = Detection(Detectors([Detector("detector", detect, (carrier,), names)]), [], BUDGET, 64, guard)
    flow = make_flow(proto=UDP if carrier == "udp" else TCP)
    detection.begin(flow)
    for to_server, data in turns:
        detection.feed(flow, to_server, data, carrier == "udp")
    return flow.confirmed
