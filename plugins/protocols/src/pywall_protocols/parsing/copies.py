"""Copies: a request that is sent back with a few bytes changed is no answer to it.

Whoever wants to be taken for a protocol sends its opening and has the other end send it back, with a new number, a
flag, one byte of a name. An answer that is unlike all that was asked is left alone; one that repeats a request must
have what only an answer has.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final

#: Gets a message and another one that may answer it, and tells whether it does: by who says it, by number, by function.
Fits = Callable[[bytes, bytes], bool]

#: bytes of two messages that are compared
_COMPARED: Final = 256
#: as many bytes that differ are few; so is one of each so many
_FEW: Final = 8
_OF_EACH: Final = 16
#: of what is short at most one of each so many may differ
_OF_SHORT: Final = 3
#: messages of a side that are looked at, and of the one that asks
_MOST: Final = 8
_MOST_ASKED: Final = 16


def is_copy(one: bytes, other: bytes) -> bool:
    """Return True if few bytes differ as far as both messages go: what has not come yet says nothing else."""
    size = min(len(one), len(other), _COMPARED)
    unlike = differing(one[:size], other[:size])
    return unlike * _OF_SHORT <= size and (unlike <= _FEW or unlike * _OF_EACH <= size)


def differing(one: bytes, other: bytes) -> int:
    """Return how many bytes differ, as far as both go."""
    size = min(len(one), len(other))
    difference = int.from_bytes(one[:size], "big") ^ int.from_bytes(other[:size], "big")
    return size - difference.to_bytes(size, "big").count(0)


def is_answered(asked: Iterable[bytes], answers: Iterable[bytes], fits: Fits, *, always: bool = False) -> bool:
    """Return True if one of the first messages of the other side answers: if it is a copy of none that was asked, or
    ``fits`` one that it is a copy of. Whoever was seen first need not be the one who asks.

    With ``always`` one must fit, copy or not.
    """
    ones = [*islice(asked, _MOST_ASKED)]
    for other in islice(answers, _MOST):
        compared = ones if always else [one for one in ones if is_copy(one, other)]
        if (not compared and not always) or any(fits(one, other) or fits(other, one) for one in compared):
            return True
    return False


def never(one: bytes, other: bytes) -> bool:
    """Return False: no answer is nearly its request."""
    return False


def belonging(
    client: bytes,
    server: bytes,
    header: int,
    size: Callable[[bytes], int],
    check: Callable[[bytes], object],
    fits: Fits,
    most: int = _COMPARED,
) -> bool:
    """Return :func:`is_answered` of the messages of two streams for which ``check`` has facts.

    ``check`` and ``size`` get the rest of the stream from a message on; ``size`` says how many bytes it has, where a
    ``header`` is all there. Of long messages the first ``most`` bytes are compared, as soon as they are all there.
    """
    if not client or not server:
        return False
    return is_answered(_frames(client, header, size, check, most), _frames(server, header, size, check, most), fits)


def _frames(
    data: bytes, header: int, size: Callable[[bytes], int], check: Callable[[bytes], object], most: int
) -> Iterator[bytes]:
    for _ in range(_MOST_ASKED):
        if len(data) < header:
            return
        end = size(data)
        shown = min(end, most)
        if shown < header or len(data) < shown:
            return
        if isinstance(check(data), dict):
            yield data[:shown]
        data = data[end:]
