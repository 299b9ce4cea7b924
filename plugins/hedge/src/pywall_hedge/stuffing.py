"""Byte stuffing decoded: bytes that may not occur stand behind an escape, as other bytes.

SLIP (RFC 1055), HDLC-like framing (RFC 1662), yEnc (its draft 1.3), and protocols of one's own. Ciphertext of which a
few values are missing and one is frequent looks like a file to any statistic of its bytes.
"""

from __future__ import annotations

from math import exp

import numpy as np
import numpy.typing as npt

LEAST = 512
"""Bytes below which an escape does not show."""
OFTEN = 8
"""Times that an escape occurs at least; three times for each byte behind it."""
FORMS, FREQUENT = 6, 4
"""Different bytes behind an escape, at most; an escape is one of so many most frequent bytes."""
STRAY = 0.05
"""Share of the escapes behind which another byte may stand (lines of text in between)."""


def without_stuffing(data: bytes) -> bytes | None:
    """Return the bytes as they were before stuffing, or None where nothing shows that they were stuffed.

    An escape is a byte behind which few others stand; no more of them than values that occur nowhere else, and the
    escape itself. Which escaped byte stood for which value is not told: it makes no difference to how random they are.
    """
    data = data.replace(b"\r\n", b"")
    if len(data) < LEAST:
        return None
    array = np.frombuffer(data, np.uint8)
    counts = np.bincount(array, minlength=256)
    missing = np.flatnonzero(counts == 0)
    if len(missing) > FORMS + 3 + 2 * 256 * exp(-len(data) / 256):  # few values are in use: no noise
        return None
    for escape in np.argsort(counts)[-FREQUENT:].tolist():
        forms = _forms(array, escape)
        if 1 < len(forms) <= len(missing) + 1:
            for form, value in zip(forms, [*missing.tolist(), escape], strict=False):
                data = data.replace(bytes((escape, form)), bytes((value,)))
            return data
    return None


def _forms(array: npt.NDArray[np.uint8], escape: int) -> list[int]:
    """The bytes behind an escape; none where it is no escape."""
    places = np.flatnonzero(array[:-1] == escape) + 1
    behind = np.bincount(array[places], minlength=256)
    forms = np.flatnonzero(behind > STRAY * len(places))
    if len(places) < OFTEN or len(forms) > min(FORMS, len(places) // 3):
        return []
    return forms.tolist() if int(behind[forms].sum()) >= (1 - STRAY) * len(places) else []
