"""What another process needs to go on with a stream in the middle: where it was, and what may come once more.

A description is ``[server, client, midstream]``; a direction is the sequence number of the next byte, the bytes before
it that were not acknowledged, the pieces behind a hole with their distance from the next byte, and how many bytes are
missing before the next one. It is read as hostile.
"""

from __future__ import annotations

from typing import Final

from .direction import MASK, UNKNOWN_WINDOW, StreamDirection
from .options import MAX_SHIFT
from .pending import Directions

#: Bytes of a direction that are described.
_MOST_BYTES: Final = 8192
_MOST_PIECES: Final = 16


def describe_streams(directions: Directions, *, midstream: bool) -> list[object] | None:
    """Return the description of both directions; None where one of them cannot go on elsewhere. ``midstream``: the
    start of the connection was not seen.
    """
    server, client = directions
    described = [_describe(server, is_client=False), _describe(client, is_client=True)]
    return [*described, midstream] if all(described) else None


def resume_streams(state: object, *, lags: bool) -> tuple[Directions, bool] | None:
    """Return the two directions that a description says, and whether the start of the connection was not seen; None
    where it is none. ``lags``: bytes may have passed since.
    """
    if not isinstance(state, list) or len(state) != 3 or not isinstance(state[2], bool):
        return None
    server, client = (_resume(each, lags=lags) for each in state[:2])
    return None if server is None or client is None else ((server, client), state[2])


def _describe(direction: StreamDirection, *, is_client: bool) -> list[object]:
    unusual = direction.fin >= 0 or direction.reset or direction.removed or direction.urgent >= 0
    if not (direction.seen or direction.resumed) or unusual:  # nobody knows where it begins, or it does not go on
        return []
    number, missing = (direction.isn + direction.next) & MASK, min(direction.missing, MASK)
    if not direction.unacked_data and direction.out_of_order is None:
        return [number, "", [], missing]
    unacked = bytes(direction.unacked_data or b"")
    pieces = direction.out_of_order or []
    if len(unacked) > _MOST_BYTES and not is_client:
        unacked = b""  # a server's bytes are what they are: those of a client may be sent again with another content
    total = len(unacked) + sum(len(data) for _, data in pieces)
    if total > _MOST_BYTES or len(pieces) > _MOST_PIECES:
        return []
    behind = [[position - direction.next, data.hex()] for position, data in pieces]
    return [number, unacked.hex(), behind, missing]


def _resume(state: object, *, lags: bool) -> StreamDirection | None:
    if not isinstance(state, list) or len(state) != 4:
        return None
    number, unacked, behind, missing = state
    if not all(type(each) is int and 0 <= each <= MASK for each in (number, missing)) or not isinstance(behind, list):
        return None
    try:
        data = bytes.fromhex(unacked)
        pieces = [(int(distance), bytes.fromhex(piece)) for distance, piece in behind]
    except (TypeError, ValueError):
        return None
    if len(data) > _MOST_BYTES or len(pieces) > _MOST_PIECES or sum(len(piece) for _, piece in pieces) > _MOST_BYTES:
        return None
    direction = StreamDirection((number - 1 - len(data)) & MASK)
    direction.next = direction.top = direction.inspected = 1 + len(data)
    direction.unacked_data = bytearray(data) if data else None
    direction.missing = missing
    last = 0
    kept: list[tuple[int, bytes]] = []
    for distance, piece in pieces:
        if distance < max(last, 1) or not piece:  # a piece may begin where the one before it ends
            return None
        kept.append((direction.next + distance, piece))
        last = distance + len(piece)
    direction.out_of_order = kept or None
    direction.top += last
    direction.window_end, direction.shift = UNKNOWN_WINDOW, MAX_SHIFT
    direction.resumed, direction.lags = True, lags
    return direction
