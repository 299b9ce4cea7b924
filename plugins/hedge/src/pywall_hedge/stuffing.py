"""Byte stuffing decoded: bytes that may not occur stand behind an escape, as other bytes.

SLIP (RFC 1055), HDLC-like framing (RFC 1662), yEnc (its draft 1.3), and protocols of one's own. Ciphertext of which a
few values are missing and one is frequent looks like a file to any statistic of its bytes.
"""

from __future__ import annotations

import re
from functools import partial
from math import exp, factorial
from typing import Final

from .later import np

LEAST: Final = 512
"""Bytes below which an escape does not show."""
OFTEN: Final = 8
"""Times that an escape occurs at least; three times for each byte behind it."""
FORMS: Final = 6
FREQUENT: Final = 4
"""Different bytes behind an escape, at most; an escape is one of so many most frequent bytes."""
RARE: Final = 1024
"""Bytes that a value occurs once in at most where it must be escaped: it may still mark the ends of messages."""
STRAY: Final = 0.05
"""Share of the escapes behind which another byte may stand (lines of text in between)."""


def without_stuffing(data: bytes) -> bytes | None:
    """Return the bytes as they were before stuffing, or None where nothing shows that they were stuffed.

    An escape is a byte behind which few others stand; no more of them than values that are rare (marks of messages),
    and the escape itself. Which escaped byte stood for which value is not told: all are as random.
    """
    data = data.replace(b"\r\n", b"")
    if len(data) < LEAST:
        return None
    counts = np.bincount(np.frombuffer(data, np.uint8), minlength=256)
    missing = np.flatnonzero(counts <= len(data) // RARE)
    if len(missing) > FORMS + 3 + 2 * _rare_by_chance(len(data)):  # few values are in use: no noise
        return None
    for escape in np.argsort(counts)[-FREQUENT:].tolist():
        pattern = re.compile(re.escape(bytes((escape,))) + b"(.)", re.DOTALL)
        forms = _forms(b"".join(pattern.findall(data)))
        if 1 < len(forms) <= len(missing) + 1:
            values = dict(zip(forms, [escape, *missing.tolist()], strict=False))
            return pattern.sub(partial(_replaced, values), data)
    return None


def _replaced(values: dict[int, int], found: re.Match[bytes]) -> bytes:
    return bytes((values.get(found[1][0], found[1][0]),))


def _rare_by_chance(size: int) -> float:
    """How many of 256 values occur at most size // RARE times in random bytes (Poisson)."""
    mean = size / 256
    return 256 * exp(-mean) * sum(mean**times / factorial(times) for times in range(size // RARE + 1))


def _forms(behind: bytes) -> list[int]:
    """Return the different bytes that stand behind an escape; none where it is no escape."""
    counts = np.bincount(np.frombuffer(behind, np.uint8), minlength=256)
    forms = np.flatnonzero(counts > STRAY * len(behind))
    if len(behind) < OFTEN or len(forms) > min(FORMS, len(behind) // 3):
        return []
    return forms.tolist() if int(counts[forms].sum()) >= (1 - STRAY) * len(behind) else []
