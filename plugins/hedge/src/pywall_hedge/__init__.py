"""Encrypted, compressed or plain: HEDGE's tests and a learned successor, for payloads, streams and flows.

>>> import pywall_hedge
>>> pywall_hedge.classify(b"GET / HTTP/1.1\\r\\nHost: example.org\\r\\nAccept: */*\\r\\n\\r\\n").label
'plain'

numpy, scipy and the model's weights are loaded on first use: importing this costs next to nothing.
"""

from __future__ import annotations

from functools import cache

from .classification import Classification, classify
from .stream import StreamClassifier

__all__ = ["Classification", "StreamClassifier", "classify"]
__version__ = "0.1.0"


@cache
def warm_up(method: str = "learned") -> None:
    """Load what `method` needs and run it once, so that the first packet does not wait for it; once a process."""
    classify(bytes(range(64)), method)
