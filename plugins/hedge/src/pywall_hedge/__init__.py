"""Encrypted, compressed or plain: HEDGE's tests and a learned successor, for payloads, streams and flows.

>>> import pywall_hedge
>>> pywall_hedge.classify(b"GET / HTTP/1.1\\r\\nHost: example.org\\r\\nAccept: */*\\r\\n\\r\\n").label
'plain'

numpy, scipy and the model's weights are loaded on first use: importing this costs next to nothing.
"""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from .classification import Classification, classify
from .stream import StreamClassifier

__all__ = ["Classification", "StreamClassifier", "classify"]
__version__ = "0.1.0"


@cache
def warm_up(method: str = "learned") -> None:
    """Load what `method` needs for payloads and flows, and run it, so that no packet waits for it; once a process."""
    classify(bytes(range(64)), method)
    stream = StreamClassifier(method)
    for text in (False, True):
        noise = b"".join(sha256(bytes([text, at])).digest() for at in range(32))
        stream.update(noise.hex().encode() if text else noise, to_server=text)
        stream.settled()
